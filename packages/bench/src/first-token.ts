/** Milliseconds from a request to its first text, streamed through the whole system; the answer is read to its end. */
export async function firstTokenMs(url: string, body: object): Promise<number> {
  const startedMs = performance.now();
  const response = await fetch(new URL('/v1/completions', url), { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ stream: true, temperature: 0, ...body }) });
  if (response.status !== 200 || response.body === null) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  let ms: number | null = null;
  for await (const _piece of response.body) ms ??= performance.now() - startedMs;
  if (ms === null) throw new Error(`${url} answered without a token`);
  return ms;
}
