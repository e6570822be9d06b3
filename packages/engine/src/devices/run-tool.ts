import { execFile } from 'node:child_process';

export type ToolResult = { readonly ok: true; readonly stdout: string } | { readonly ok: false; readonly reason: string };

/** Runs a program of the system with a time limit. Never rejects but for the signal's reason. */
export type RunTool = (file: string, args: readonly string[], signal?: AbortSignal) => Promise<ToolResult>;

const TOOL_TIMEOUT_MS = 10_000;

export const runTool: RunTool = (file, args, signal) =>
  new Promise((resolve, reject) => {
    execFile(file, args, { timeout: TOOL_TIMEOUT_MS, killSignal: 'SIGKILL', ...(signal && { signal }) }, (error, stdout, stderr) => {
      if (signal?.aborted) reject(signal.reason);
      else if (error === null) resolve({ ok: true, stdout });
      else resolve({ ok: false, reason: 'code' in error && error.code === 'ENOENT' ? `${file} not found` : `${file} failed: ${stderr.trim().slice(0, 200) || error.message}` });
    });
  });
