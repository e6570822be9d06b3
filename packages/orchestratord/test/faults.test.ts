import { afterEach, describe, expect, test } from '@jest/globals';
import { eventually } from '@corral/test-kit';
import { aControlPlane, aNode, cut, never, refusedWith, streamed, type Answer, type ControlPlane, type HttpNode } from './fault-rig.js';
import type { OrchestratordConfig } from '../src/config.js';

const planes: ControlPlane[] = [];
const nodes: HttpNode[] = [];
afterEach(async () => {
  for (const plane of planes.splice(0)) await plane.close();
  for (const node of nodes.splice(0)) await node.kill().catch(() => undefined);
});

async function open(ids: readonly string[], over: Partial<OrchestratordConfig> = {}) {
  const opened = await Promise.all(ids.map(aNode));
  nodes.push(...opened);
  const plane = await aControlPlane(opened, over);
  planes.push(plane);
  const [first, second] = opened;
  if (first === undefined) throw new Error('no node');
  return { plane, node: first, other: second ?? first };
}

const STREAM = { stream: true };
const OK = 'data: ok\n\ndata: [DONE]\n\n';
const whole: Answer = (res) => void res.writeHead(200, { 'content-type': 'application/json' }).end('{"whole":true}');
const halfBody: Answer = (res) => void res.writeHead(200, { 'content-type': 'application/json', 'content-length': '14' }).write('{"wh', () => res.socket?.destroy());

describe('a fault before the first token is unseen', () => {
  test.each<[string, Answer]>([
    ['its worker died in prefill', refusedWith(503, 'WORKER_RESET')],
    ['its replica was gone at the hand-over', refusedWith(404, 'NOT_FOUND')],
    ['the connection broke', cut],
    ['the head was there, the first frame was not', (res) => void res.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: {"te', () => res.socket?.destroy())],
  ])('DESIGN 9 B-68 A-150 %s', async (_, fault) => {
    const { plane, node } = await open(['n1']);
    node.answers.push(fault, fault);
    const answer = await plane.complete(STREAM);
    expect([answer.status, await answer.text(), node.requests.length, await plane.leases()]).toEqual([200, OK, 3, 0]);
    expect(node.requests[2]).toEqual(node.requests[0]);
  });

  test('DESIGN 10.8 A-151 half a body is placed again, with the same seed; nothing of it is seen', async () => {
    const { plane, node } = await open(['n1']);
    node.answers.push(halfBody, halfBody, whole);
    const answer = await plane.complete();
    expect([answer.status, await answer.text(), answer.headers.get('x-corral-pool')]).toEqual([200, '{"whole":true}', 'n1-p']);
    expect(new Set(node.requests.map((request) => JSON.stringify(request))).size).toBe(1);
  });

  test('DESIGN 10.8 B-68 A-153 a bounded number of times, then 503 with where it ran', async () => {
    const { plane, node } = await open(['n1']);
    node.otherwise = halfBody;
    const answer = await plane.complete();
    const { error } = (await answer.json()) as { error: { code: string; message: string } };
    expect([answer.status, answer.headers.get('retry-after'), error.code, error.message]).toEqual([503, '1', 'WORKER_RESET', expect.stringMatching(/^the task was tried 4 times, on n1-p-a in n1-p on n1 \(WORKER_RESET\); .*send the request again$/)]);
    expect([node.requests.length, await plane.leases()]).toEqual([4, 0]);
  });

  test('DESIGN 9 the node is killed: its task goes to the other one, which loads the model for it', async () => {
    const { plane, node, other } = await open(['n1', 'n2']);
    await (await plane.complete(STREAM)).text();
    const [holder, rest] = node.requests.length === 1 ? [node, other] : [other, node];
    holder.otherwise = never;
    const answer = plane.complete(STREAM);
    await eventually('the task runs', 60_000, async () => holder.open === 1);
    await holder.kill();
    expect([await (await answer).text(), rest.requests.length, await plane.leases()]).toEqual([OK, 1, 0]);
  });

  test('E-24 DESIGN 9 the node is there again as another process: what it had is placed again', async () => {
    const { plane, node } = await open(['n1']);
    node.answers.push(never);
    const answer = plane.complete(STREAM);
    await eventually('the task runs', 60_000, async () => node.open === 1);
    node.simulated.incarnation = 'i2';
    expect([await (await answer).text(), node.requests.length]).toEqual([OK, 2]);
    await eventually('the lost request is closed', 60_000, async () => node.open === 0);
  });

  test('DESIGN 9 P-17 A-155 the node is stopped: it is asked, found away, and its tasks wait until it goes on', async () => {
    const { plane, node } = await open(['n1']);
    node.answers.push(never, never);
    const answers = [plane.complete(STREAM), plane.complete()];
    await eventually('the tasks run', 60_000, async () => node.open === 2);
    node.isStopped = true;
    await eventually('the node is offline', 100_000, async () => plane.lines.some(({ message }) => message === 'node offline'));
    await eventually('its leases are given up', 60_000, async () => (await plane.leases()) === 0);
    node.isStopped = false;
    expect(await Promise.all(answers.map(async (one) => (await one).status))).toEqual([200, 200]);
  }, 600_000);
});

describe('a fault after the first token', () => {
  const begun: Answer = (res) => void res.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: one\n\ndata: tw');

  test('T-31 B-68 is one typed error behind whole frames, and the slot is free', async () => {
    const { plane, node } = await open(['n1']);
    node.answers.push((res, request, at) => {
      begun(res, request, at);
      setTimeout(() => res.socket?.destroy(), 50);
    });
    const answer = await plane.complete(STREAM);
    const [first, second, ...rest] = (await answer.text()).split('\n\n');
    expect([answer.status, first, JSON.parse((second ?? '').slice('data: '.length)), rest]).toEqual([200, 'data: one', { error: expect.objectContaining({ code: 'WORKER_RESET', retriable: true }) }, ['']]);
    expect([node.requests.length, await plane.leases()]).toEqual([1, 0]);
  });

  test('T-32 A-82 a worker that hangs ends with DECODE_TIMEOUT, counts as a timeout, and its request is closed', async () => {
    const { plane, node } = await open(['n1'], { token_gap_timeout_ms: 500 });
    node.answers.push(begun);
    const text = await (await plane.complete(STREAM)).text();
    expect(text.split('\n\n')[1]).toContain('"code":"DECODE_TIMEOUT"');
    expect(await plane.metric('tasks_canceled_total{')).toEqual([expect.stringMatching(/pool_id="n1-p",.*reason="timeout".* 1$/)]);
    await eventually('the request is closed', 60_000, async () => node.open === 0 && (await plane.leases()) === 0);
  });

  test('A-82 an answer that never ends meets the wall', async () => {
    const { plane, node } = await open(['n1'], { answer_timeout_ms: 1_000 });
    node.answers.push(never, (res) => {
      res.writeHead(200);
      const timer = setInterval(() => res.write('data: x\n\n'), 20);
      res.once('close', () => clearInterval(timer));
    });
    const silent = await plane.complete();
    expect([silent.status, ((await silent.json()) as { error: { code: string } }).error.code]).toEqual([503, 'DECODE_TIMEOUT']);
    expect(await (await plane.complete(STREAM)).text()).toContain('"code":"DECODE_TIMEOUT"');
    expect(node.requests[0]?.deadlines).toEqual({ first_token_ms: 1_000, token_gap_ms: 60_000, wall_ms: 1_000 });
  });
});

describe('what is left behind', () => {
  test('B-66 C-20 the control plane ends: its requests are closed at the node, whatever they had come to', async () => {
    const { plane, node } = await open(['n1']);
    node.answers.push(never, (res) => void res.writeHead(200).write('data: x\n\n'));
    const answers = [plane.complete(), plane.complete(STREAM)].map((one) => one.then((answer) => answer.text()).catch(() => 'cut'));
    await eventually('the tasks run', 60_000, async () => node.open === 2);
    planes.splice(planes.indexOf(plane), 1);
    await plane.close();
    const [whole, stream] = await Promise.all(answers);
    await eventually('the requests are closed', 60_000, async () => node.open === 0);
    expect([whole, stream].map((text) => text?.includes('SHUTTING_DOWN'))).toEqual([true, true]);
  });

  test('A-157 after 300 answers of every kind nothing is held: no lease, no queue entry, no open request', async () => {
    const { plane, node } = await open(['n1']);
    node.otherwise = (res, request, at) => (request.output.stream ? streamed(['a', 'b'])(res, request, at) : whole(res, request, at));
    const kinds = [
      async () => void (await (await plane.complete(STREAM)).text()),
      async () => void (await (await plane.complete()).text()),
      async () => {
        node.answers.unshift(never);
        const gone = new AbortController();
        const answer = plane.complete(STREAM, gone.signal).catch(() => undefined);
        await eventually('it runs', 60_000, async () => node.open === 1);
        gone.abort();
        await answer;
        await eventually('it is closed', 60_000, async () => node.open === 0);
      },
    ];
    for (let n = 0; n < 300; n += 1) await kinds[n % 20 === 0 ? 2 : n % 2]?.();
    expect([await plane.leases(), node.open, node.requests.length]).toEqual([0, 0, 300]);
    expect((await plane.metric('queue_depth{')).every((line) => line.endsWith(' 0'))).toBe(true);
  }, 600_000);
});
