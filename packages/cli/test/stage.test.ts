import { afterEach, describe, expect, test } from '@jest/globals';
import { json, refuse, startFakeServer, type FakeServer, type Handler } from './fake-server.js';
import { runCorral } from './run-corral.js';

let server: FakeServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const PATH = '/v2/catalog/models/smollm2/stage';
const seen = (over: object = {}) => ({ model_id: 'smollm2', nodes: [{ node_id: 'home', state: 'staged', size_bytes: 102_760_448, progress: null, last_error: null, ...over }] });
/** One answer after the other, the last one for ever. */
function inTurn(...answers: readonly object[]): Handler {
  let calls = 0;
  return (req, res, body) => json(answers[Math.min(calls++, answers.length - 1)])(req, res, body);
}
const serving = async (handlers: Readonly<Record<string, Handler>>) => (server = await startFakeServer(handlers));

describe('corral stage', () => {
  test('C-231 it waits until the copy is there and shows how far it is', async () => {
    const { url } = await serving({ [`POST ${PATH}`]: json(seen({ state: 'staging', progress: 0.14 }), 202), [`GET ${PATH}`]: inTurn(seen({ state: 'staging', progress: 0.58 }), seen()) });
    expect(await runCorral(['stage', 'smollm2', '--url', url])).toEqual({ code: 0, out: 'smollm2 is staged on home, 98.0 MiB\n', err: 'staging smollm2: home 10 %\nstaging smollm2: home 50 %\n' });
  });

  test('C-231 with --no-wait it asks once, with --json it prints the document', async () => {
    const running = seen({ state: 'staging', progress: 0 });
    const { url, seen: calls } = await serving({ [`POST ${PATH}`]: json(running, 202) });
    expect((await runCorral(['stage', 'smollm2', '--no-wait', '--url', url])).out).toBe('smollm2 is being staged on home, 98.0 MiB\n');
    expect(JSON.parse((await runCorral(['stage', 'smollm2', '--no-wait', '--json', '--url', url])).out)).toEqual(running);
    expect(calls.map(({ call }) => call)).toEqual([`POST ${PATH}`, `POST ${PATH}`]);
  });

  test('C-231 a copy that failed is a failure with its reason', async () => {
    const { url } = await serving({ [`POST ${PATH}`]: json(seen({ state: 'not_staged', last_error: 'its file is too short' }), 202) });
    expect(await runCorral(['stage', 'smollm2', '--url', url])).toEqual({ code: 1, out: 'smollm2 is not staged on home\n', err: expect.stringContaining('its file is too short') });
    expect((await runCorral(['stage', 'smollm2', '--json', '--url', url])).code).toBe(1);
  });

  test('C-231 T-113 a refusal of the server is shown in its words', async () => {
    const { url } = await serving({ [`POST ${PATH}`]: refuse(413, { code: 'STAGE_TOO_LARGE', message: 'smollm2 needs 98 MiB; raise POOL_MANAGERD_STAGE_MAX_BYTES', retriable: false }) });
    expect(await runCorral(['stage', 'smollm2', '--url', url])).toMatchObject({ code: 1, err: expect.stringContaining('raise POOL_MANAGERD_STAGE_MAX_BYTES') });
  });
});
