// Finds what the tests started and did not end. Every process of a run carries its marker in the environment it was started with.
import { readFileSync, readdirSync } from 'node:fs';

const SETTLE_MS = 5_000;
const STEP_MS = 100;

/**
 * Waits a little for processes with `marker` to end, then ends those that did not. Returns one line for each of them; where there is no
 * /proc (on a Mac) nothing can be found and the list is empty.
 *
 * @param {string} marker @param {number} [settleMs]
 */
export async function leftovers(marker, settleMs = SETTLE_MS) {
  for (let waitedMs = 0; waitedMs < settleMs && marked(marker).length > 0; waitedMs += STEP_MS) {
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
  return marked(marker).map((pid) => {
    const line = `${pid} ${readProc(pid, 'cmdline').replaceAll('\0', ' ').trim()}`;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself in this moment.
    }
    return line;
  });
}

function marked(marker) {
  return processIds().filter((pid) => pid !== process.pid && readProc(pid, 'environ').includes(marker));
}

function processIds() {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number);
  } catch {
    return [];
  }
}

function readProc(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
