import { PassThrough, Writable } from 'node:stream';
import { afterEach, expect, test } from '@jest/globals';
import { eventually } from '@corral/test-kit';
import { ChatSession } from '../src/chat/chat-session.js';
import { converse } from '../src/chat/converse.js';
import { createCorralClient } from '../src/client/corral-client.js';
import { empty, frames, json, openFrames, refuse, startFakeServer, type FakeServer, type Handler } from './fake-server.js';
import { aContext } from './run-corral.js';
import { accepted, end, models, started } from './wire.js';

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const EVENTS = 'GET /v2/tasks/t1/events?verbose=true';
const token = (t: string) => ({ type: 'token', t, i: 0 }) as const;
const answering = {
  'GET /v1/models': json(models('m', 'other')),
  'POST /v2/tasks': json(accepted(), 202),
  [EVENTS]: frames(started, token('Hello'), end),
};

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of ends.splice(0)) await close();
});

interface Typing {
  readonly server: FakeServer;
  type(keys: string): void;
  seen(text: string): Promise<unknown>;
  screen(): string;
  readonly left: Promise<void>;
}

/** A conversation on a terminal made of streams. */
async function conversation(handlers: Readonly<Record<string, Handler>> = answering): Promise<Typing> {
  const server = await startFakeServer(handlers);
  const client = createCorralClient({ url: server.url, token: undefined });
  let screen = '';
  const write = (text: string): void => void (screen += text);
  const keyboard = new PassThrough();
  const stdout = new Writable({ write: (chunk: Buffer, _encoding, done) => (write(chunk.toString()), done()) });
  const context = aContext({ stdin: keyboard, stdout, out: { write, isTerminal: true }, err: { write, isTerminal: true } });
  const left = converse(context, client, new ChatSession('m', {}));
  ends.push(async () => {
    keyboard.end();
    await left;
    await client.close();
    await server.close();
  });
  return {
    server,
    left,
    type: (keys) => void keyboard.write(keys),
    screen: () => screen,
    seen: (text) => eventually(JSON.stringify(text), 60_000, async () => screen.includes(text)),
  };
}

const asked = (server: FakeServer) => server.seen.filter(({ call }) => call === 'POST /v2/tasks').map(({ body }) => body);

test('answers are streamed, and what was said goes along', async () => {
  const { server, type, seen, left } = await conversation();
  await seen('> ');
  type('Hi\r');
  await seen('Hello\n');
  type('And?\r');
  await eventually('two questions', 60_000, async () => asked(server).length === 2);
  type('/clear\r');
  await seen('forgotten');
  type('Again\r');
  await eventually('three questions', 60_000, async () => asked(server).length === 3);
  type('/exit\r');
  await left;
  expect(asked(server)).toEqual([
    { model_ref: 'm', messages: [{ role: 'user', content: 'Hi' }] },
    {
      model_ref: 'm',
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: 'Hello' },
        { role: 'user', content: 'And?' },
      ],
    },
    { model_ref: 'm', messages: [{ role: 'user', content: 'Again' }] },
  ]);
});

test('Ctrl-C stops the answer on the server too, what was shown is remembered, and the second one leaves', async () => {
  const { server, type, seen, left } = await conversation({
    ...answering,
    [EVENTS]: openFrames(started, token('Hel')),
    'POST /v2/tasks/t1/cancel': empty,
  });
  await seen('> ');
  type('Hi\r');
  await seen('Hel');
  type(CTRL_C);
  await seen('stopped');
  await eventually('the server is told', 60_000, async () => server.seen.at(-1)?.call === 'POST /v2/tasks/t1/cancel');
  type('And?\r');
  await eventually('two questions', 60_000, async () => asked(server).length === 2);
  expect(asked(server)[1]).toMatchObject({ messages: [{ content: 'Hi' }, { role: 'assistant', content: 'Hel' }, { content: 'And?' }] });
  await eventually('the second answer', 60_000, async () => server.seen.filter(({ call }) => call === EVENTS).length === 2);
  type(CTRL_C);
  type(CTRL_C);
  await left;
});

test('on an empty line Ctrl-C warns, then leaves; a typed line it drops', async () => {
  const { server, type, seen, left } = await conversation();
  await seen('> ');
  type('not this');
  type(CTRL_C);
  type('but this\r');
  await eventually('a question', 60_000, async () => asked(server).length === 1);
  expect(asked(server)).toEqual([{ model_ref: 'm', messages: [{ role: 'user', content: 'but this' }] }]);
  await seen('Hello\n');
  type(CTRL_C);
  await seen('Ctrl-C again or /exit leaves');
  type(CTRL_C);
  await left;
});

test('a failed answer is shown and the chat goes on; Ctrl-D leaves', async () => {
  const { server, type, seen, left } = await conversation({
    ...answering,
    'POST /v2/tasks': refuse(503, { code: 'POOL_UNREADY', message: 'no pool is ready', hint: 'start with --allow-cpu', retriable: true }),
  });
  await seen('> ');
  type('Hi\r');
  await seen('corral: no pool is ready\n  next: start with --allow-cpu\n');
  type('Hi again\r');
  await eventually('two questions', 60_000, async () => asked(server).length === 2);
  type(CTRL_D);
  await left;
  expect(asked(server)[1]).toEqual({ model_ref: 'm', messages: [{ role: 'user', content: 'Hi again' }] });
});

test('Ctrl-D while it answers stops the answer and leaves', async () => {
  const { server, type, seen, left } = await conversation({
    ...answering,
    [EVENTS]: openFrames(started, token('Hel')),
    'POST /v2/tasks/t1/cancel': empty,
  });
  await seen('> ');
  type('Hi\r');
  await seen('Hel');
  type(CTRL_D);
  await left;
  expect(server.seen.at(-1)?.call).toBe('POST /v2/tasks/t1/cancel');
});

test('/model talks to another model that is served', async () => {
  const { server, type, seen, left } = await conversation();
  await seen('> ');
  type('/model nobody\r');
  await seen('nobody is not served; there are m, other');
  type('/model other\r');
  await seen('other listens');
  type('Hi\r');
  await seen('Hello\n');
  type('/exit\r');
  await left;
  expect(asked(server)).toEqual([{ model_ref: 'other', messages: [{ role: 'user', content: 'Hi' }] }]);
});

test('a pasted text of several lines is one message', async () => {
  const { server, type, seen, left } = await conversation();
  await seen('> ');
  type('first\rsecond\rthird\r');
  await seen('Hello\n');
  type('/exit\r');
  await left;
  expect(asked(server)).toEqual([{ model_ref: 'm', messages: [{ role: 'user', content: 'first\nsecond\nthird' }] }]);
});
