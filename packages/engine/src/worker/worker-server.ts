import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { ApiError, describeProblems, GenerateRequest, isApiError, toHttp, validator } from '@corral/contracts';
import type { Clock } from '@corral/service-kit';
import type { WorkerAnswer } from '../child/worker-answer.js';
import { isEngineError } from '../engine-error.js';
import { messageOf } from '../message-of.js';
import { DeadlineWatch } from './deadlines.js';
import { dialectOf } from './dialect/dialect-of.js';
import { generate, Halt } from './generation.js';
import { readJsonBody } from './read-body.js';
import { Reply, type ReplyLimits } from './reply.js';
import { Slots } from './slots.js';
import type { TextModel, TextRun } from './text-model.js';
import { tokenBudget } from './token-budget.js';
import { WorkerCalls } from './worker-calls.js';
import { writeLog } from './worker-log.js';

export interface WorkerLimits extends ReplyLimits {
  readonly bodyBytes: number;
}

export const WORKER_LIMITS: WorkerLimits = { bodyBytes: 16 * 1024 * 1024, bufferBytes: 64 * 1024, stallMs: 30_000 };

export interface WorkerServerOptions {
  readonly replicaId: string;
  readonly model: TextModel;
  readonly clock: Clock;
  readonly limits?: WorkerLimits;
  /** The engine itself failed: the process must end, since its state is unknown. */
  onEngineFailure(error: unknown): void;
}

const SAVE_BODY_BYTES = 1_024;
const parseRequest = validator(GenerateRequest);

/** The HTTP side of a worker: `POST /generate`, `GET /health`, `GET /stats`, and the calls of its owner. */
export class WorkerServer {
  readonly #slots: Slots;
  readonly #calls: WorkerCalls;
  readonly #halts = new Set<Halt>();
  readonly #server: Server;

  constructor(private readonly options: WorkerServerOptions) {
    const { model, clock } = options;
    this.#slots = new Slots(model.info.slots);
    this.#calls = new WorkerCalls({ model, slots: this.#slots, clock });
    this.#server = createServer((request, response) => void this.#route(request, response));
    this.#server.keepAliveTimeout = 0;
    this.#server.requestTimeout = 0;
  }

  listen(socketPath: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject).listen(socketPath, () => resolve());
    });
  }

  /** Takes no more requests and ends those that run with `error`. */
  async shutDown(error: ApiError): Promise<void> {
    for (const halt of this.#halts) halt.set(error);
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
    });
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = `${request.method} ${request.url}`;
    try {
      if (target === 'POST /generate') return await this.#generate(request, response);
      if (target === 'GET /health') return sendJson(response, 200, this.#health());
      if (target === 'GET /stats') return sendJson(response, 200, { ...this.#slotCounts(), ...this.options.model.stats() });
      if (target === 'POST /park') return await this.#call(response, () => this.#calls.park());
      if (target === 'POST /resume') return await this.#call(response, () => this.#calls.resume());
      if (target === 'POST /prefixes') return await this.#savePrefixes(request, response);
      throw new ApiError('NOT_FOUND', `the worker has no ${target}; it has POST /generate, /park, /resume and /prefixes, GET /health and GET /stats`);
    } catch (error) {
      if (!isApiError(error)) writeLog('error', 'request failed', { target, error: describe(error) });
      const { status, headers, body } = toHttp(error);
      if (!response.headersSent) sendJson(response, status, body, headers);
    }
  }

  async #generate(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { model, clock, limits = WORKER_LIMITS } = this.options;
    const startedMs = clock.monotonicMs();
    const parsed = parseRequest(await readJsonBody(incoming, limits.bodyBytes));
    if (!parsed.ok) {
      const field = parsed.problems[0]?.field;
      throw new ApiError('INVALID_PARAMS', `the request is wrong: ${describeProblems(parsed.problems)}`, field === undefined ? {} : { field });
    }
    const request = parsed.value;
    const reply = new Reply(response, dialectOf(request, model.fingerprint), request.output.stream, limits);
    const halt = new Halt();
    this.#halts.add(halt);
    response.on('error', () => undefined).once('close', () => halt.set('client left'));
    const watch = new DeadlineWatch(request.deadlines, clock, (error) => halt.set(error));
    halt.signal.addEventListener('abort', () => {
      if (isApiError(halt.signal.reason)) reply.fail(halt.signal.reason);
    });
    try {
      const tokens = await this.#encode(request.input);
      const budgetTokens = tokenBudget({ promptTokens: tokens.length, maxTokens: request.max_tokens, overflow: request.overflow, contextTokens: model.info.contextTokens });
      const prompt = { tokens, scope: request.prefix_scope };
      this.#calls.assertServing();
      const lease = await this.#slots.take(halt.signal, model.prefixes(prompt));
      try {
        const run = model.open(lease.slot, prompt, request.sampling);
        await generate({ run, request, promptTokens: tokens.length, budgetTokens, reply, watch, halt, startedMs, clock }).catch((error: unknown) => (isApiError(error) ? this.#refused(run, error) : this.#engineFailed(error)));
        await run.close();
      } finally {
        lease.release();
      }
    } catch (error) {
      if (!halt.isSet && !isApiError(error)) writeLog('error', 'generation failed', { correlation_id: request.correlation_id, task_id: request.task_id, error: describe(error) });
      if (!halt.isSet) reply.fail(error);
    } finally {
      watch.close();
      this.#halts.delete(halt);
    }
  }

  async #encode(input: GenerateRequest['input']): Promise<readonly number[]> {
    try {
      return await this.options.model.encode(input);
    } catch (error) {
      if (isEngineError(error)) this.#engineFailed(error);
      throw error;
    }
  }

  /** What concerns one sequence alone ends it alone. */
  async #refused(run: TextRun, error: ApiError): Promise<never> {
    await run.close();
    throw error;
  }

  /** What the owner is told in the engine's own words; anything else leaves the engine in doubt. */
  async #call(response: ServerResponse, call: () => Promise<object>): Promise<void> {
    const answer = await call().then(
      (value): WorkerAnswer => ({ type: 'answer', answer: value }),
      (error: unknown): WorkerAnswer => {
        if (isEngineError(error)) return { type: 'fatal', kind: error.kind, message: error.message };
        this.options.onEngineFailure(error);
        return { type: 'fatal', kind: 'worker_failed', message: messageOf(error) };
      },
    );
    sendJson(response, 200, answer);
  }

  async #savePrefixes(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { max_bytes: maxBytes } = (await readJsonBody(request, SAVE_BODY_BYTES)) as { readonly max_bytes: number };
    let hasLeft = false;
    response.once('close', () => (hasLeft = true));
    await this.#call(response, () => this.#calls.savePrefixes(maxBytes, () => hasLeft));
  }

  /** A fault of the engine in one sequence leaves the others in doubt: every stream learns it, then the process ends. */
  #engineFailed(error: unknown): never {
    this.options.onEngineFailure(error);
    throw new ApiError('WORKER_RESET', 'the engine failed while it answered; try again', {}, { cause: error });
  }

  #health(): object {
    const reason = this.options.model.unhealthy();
    if (reason !== null) throw new ApiError('WORKER_RESET', `the engine is not healthy: ${reason}; it must be started again`);
    return { status: 'ok', ...this.#slotCounts() };
  }

  #slotCounts(): object {
    const { replicaId, model } = this.options;
    return { replica_id: replicaId, ...(this.#calls.isParked && { parked: true }), slots_total: this.#slots.total, slots_active: this.#slots.active, waiting: this.#slots.waiting, context_tokens: model.info.contextTokens };
  }
}

function sendJson(response: ServerResponse, status: number, body: object, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { ...headers, 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body));
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
