import { FrameCounter, type RelaySink } from '@corral/service-kit';

export interface AnswerGateParts {
  /** Whether the answer is a stream; else it is shown whole or not at all. */
  readonly stream: boolean;
  /** What may be held back before the answer counts as endless. */
  readonly heldMaxBytes: number;
  /** Shows the answer: called once, when it can no longer be placed again. */
  open(): RelaySink;
  /** Called at the start and at the end of a wait for the reader. */
  onPaused(isPaused: boolean): void;
  /** More came than may be held back. */
  onTooLong(): void;
}

/**
 * Holds an answer back until it can be shown: a stream until its first whole frame, any other answer until its end.
 * While it is shut nothing has reached the client, and the task may be placed again unseen. [B-68 A-150]
 */
export class AnswerGate implements RelaySink {
  readonly #frames = new FrameCounter();
  #held: Buffer[] = [];
  #heldBytes = 0;
  #to: RelaySink | null = null;

  constructor(private readonly parts: AnswerGateParts) {}

  get isOpen(): boolean {
    return this.#to !== null;
  }

  write(chunk: Buffer): boolean {
    if (this.#to !== null) return this.#to.write(chunk);
    this.#held.push(chunk);
    this.#heldBytes += chunk.byteLength;
    this.#frames.add(chunk);
    if (this.parts.stream && this.#frames.frames > 0) return this.show();
    if (this.#heldBytes > this.parts.heldMaxBytes) this.parts.onTooLong();
    return true;
  }

  onDrain(resume: () => void): void {
    const { onPaused } = this.parts;
    onPaused(true);
    const resumed = (): void => {
      onPaused(false);
      resume();
    };
    if (this.#to === null) resumed();
    else this.#to.onDrain(resumed);
  }

  /** How an answer ended is its task's to say. */
  end(): void {}

  /** Opens the gate for an answer that is whole; a second call changes nothing. False = the reader is behind. */
  show(): boolean {
    if (this.#to !== null) return true;
    this.#to = this.parts.open();
    const held = Buffer.concat(this.#held, this.#heldBytes);
    this.#held = [];
    return held.byteLength === 0 || this.#to.write(held);
  }
}
