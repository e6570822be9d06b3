/** What `corral up` was asked for. Paths are absolute. */
export interface UpRequest {
  readonly manifestPath?: string | undefined;
  readonly configPath?: string | undefined;
  readonly stateDir?: string | undefined;
  /** Of the control plane; 0 takes a free one. */
  readonly port?: number | undefined;
  /** Of pool-managerd; 0 takes a free one. */
  readonly poolPort?: number | undefined;
  readonly allowCpu: boolean;
  /** Reload the manifest whenever its file changes. */
  readonly watch: boolean;
  readonly ask?: string | undefined;
  /** Ends after the answer. */
  readonly once: boolean;
  readonly json: boolean;
}

export type DaemonName = 'orchestratord' | 'pool-managerd';

/** Where the daemons' programs are. */
export type DaemonPrograms = Readonly<Record<DaemonName, string>>;

/** Waits of `corral up`, milliseconds. */
export interface UpTimes {
  /** From the fork of a daemon to its `listening`. */
  readonly listenWithinMs: number;
  /** From its `listening` to an answer of `/health`. */
  readonly healthyWithinMs: number;
  /** Between the end of a daemon and its next start: doubles from the first to the last. */
  readonly restartFirstMs: number;
  readonly restartLastMs: number;
  /** A daemon that ran for so long has proved itself: its next wait is the first one again. */
  readonly stableMs: number;
  /** From SIGTERM to SIGKILL. */
  readonly stopWithinMs: number;
  /** How long `ready` waits for pools to register. */
  readonly poolsWithinMs: number;
  /** How long the daemons of a killed predecessor may take to end. */
  readonly leftoversWithinMs: number;
}

export const UP_TIMES: UpTimes = {
  listenWithinMs: 60_000,
  healthyWithinMs: 30_000,
  restartFirstMs: 1_000,
  restartLastMs: 30_000,
  stableMs: 60_000,
  stopWithinMs: 12_000,
  poolsWithinMs: 500,
  leftoversWithinMs: 6_000,
};
