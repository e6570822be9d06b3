import { request } from 'node:http';

export interface Target {
  /** `http://host:port`, or the path of a unix socket. */
  readonly at: string;
  readonly path: string;
  body(stream: number): string;
  /** What every token's frame holds and no other frame does. */
  readonly tokenMark: string;
}

export interface Decoded {
  readonly tokens: number;
  readonly tokensPerS: number;
}

/** Streams `count` answers at once and counts their tokens between the first and the last one. */
export async function decodeAtOnce(target: Target, count: number): Promise<Decoded> {
  let tokens = 0;
  let firstMs = Infinity;
  let lastMs = 0;
  await Promise.all(
    Array.from({ length: count }, (_, n) =>
      stream(target, n, (text) => {
        const seen = text.split(target.tokenMark).length - 1;
        if (seen === 0) return;
        tokens += seen;
        lastMs = performance.now();
        firstMs = Math.min(firstMs, lastMs);
      }),
    ),
  );
  return { tokens, tokensPerS: ((tokens - count) / (lastMs - firstMs)) * 1_000 };
}

function stream(target: Target, n: number, onText: (text: string) => void): Promise<void> {
  const place = target.at.startsWith('/') ? { socketPath: target.at } : { host: new URL(target.at).hostname, port: new URL(target.at).port };
  return new Promise((resolve, reject) => {
    const sent = request({ ...place, path: target.path, method: 'POST', headers: { 'content-type': 'application/json' } }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`${target.at}${target.path} answered ${answer.statusCode}`));
      answer.setEncoding('utf8').on('data', onText).on('end', resolve).on('error', reject);
    });
    sent.on('error', reject);
    sent.end(target.body(n));
  });
}
