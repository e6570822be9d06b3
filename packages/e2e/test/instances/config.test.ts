import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { Instance } from '@corral/contracts';
import { eventually, startCorral } from '@corral/test-kit';
import { call, eventsOf, ONE_THREAD, smollm2 } from '../served.js';

const HELPDESK = { id: 'helpdesk', model: 'smollm2', config: { system_prompt: 'You are a pirate. Answer like one.', temperature: 0, max_tokens: 8, stop: ['\n'] } };
const PATH = '/api/orgs/default/instances';
const QUESTION = 'How are you?';

async function ready(url: string, instanceId: string): Promise<Instance> {
  await call(url, 'POST', `${PATH}/${instanceId}/load`);
  return eventually(`${instanceId} is ready`, 120_000, async () => {
    const { body } = await call(url, 'GET', `${PATH}/${instanceId}`);
    return body['is_ready'] === true ? (body as Instance) : undefined;
  });
}

/** The same question on every way that leads to the instance: what comes back, and how many tokens went in. */
async function asked(url: string, own: readonly object[] = []): Promise<readonly { readonly text: unknown; readonly tokensIn: unknown }[]> {
  const messages = [...own, { role: 'user', content: QUESTION }];
  const openAi = (await call(url, 'POST', '/v1/chat/completions', { model: 'helpdesk', messages })).body as { readonly choices: readonly { readonly message: { readonly content: string } }[]; readonly usage: { readonly prompt_tokens: number } };
  const task = await call(url, 'POST', '/v2/tasks', { model_ref: 'default/helpdesk', messages });
  const events = await eventsOf(url, String(task.body['task_id']));
  const tasked = { text: events.filter(({ event }) => event === 'token').map(({ data }) => data['t']).join(''), tokensIn: events.at(-1)?.data['tokens_in'] };
  return [{ text: openAi.choices[0]?.message.content, tokensIn: openAi.usage.prompt_tokens }, tasked];
}

test('B-150 B-151 B-154 P-05 an instance of the manifest sets what requests leave out on every way, and follows the manifest over restarts', async () => {
  const stateDir = await mkdtemp(join(tmpdir(), 'corral-instances-'));
  const manifest = { version: 1, models: { smollm2: await smollm2({ context: 512, slots: 2 }) }, instances: [HELPDESK, { id: 'gone', model: 'smollm2' }] };
  const start = (instances: readonly object[]) => startCorral({ stateDir, manifest: { ...manifest, instances }, env: { ...ONE_THREAD } });
  let corral = await start(manifest.instances);
  try {
    const before = await ready(corral.url, 'helpdesk');
    expect(before).toMatchObject({ origin: 'manifest', tier: 'cold', config: HELPDESK.config });
    const chat = (await call(corral.url, 'POST', '/api/orgs/default/chat/completion', { instance_id: 'helpdesk', message: QUESTION, stream: false })).body;
    const [openAi, task] = await asked(corral.url);
    expect([openAi, task]).toEqual([{ text: chat['message'], tokensIn: chat['tokens_in'] }, { text: chat['message'], tokensIn: chat['tokens_in'] }]);
    expect(chat['tokens_out']).toBeLessThanOrEqual(8);
    // A system message of the request replaces the instance's: a shorter one makes a shorter prompt.
    const [own] = await asked(corral.url, [{ role: 'system', content: 'Hi.' }]);
    expect(Number(own?.tokensIn)).toBeLessThan(Number(chat['tokens_in']));
    expect((await call(corral.url, 'POST', PATH, { instance_id: 'mine', model: 'smollm2' })).status).toBe(201);

    await corral.stop();
    corral = await start([{ ...HELPDESK, config: { ...HELPDESK.config, max_tokens: 2 } }]);
    const after = (await call(corral.url, 'GET', `${PATH}/helpdesk`)).body;
    expect([after['config'], after['config_hash'] === before.config_hash]).toEqual([{ ...HELPDESK.config, max_tokens: 2 }, false]);
    expect((await call(corral.url, 'GET', `${PATH}/gone`)).status).toBe(410);
    expect((await call(corral.url, 'GET', `${PATH}/mine`)).body).toMatchObject({ origin: 'api', tier: 'cold' });
    await ready(corral.url, 'helpdesk');
    expect((await call(corral.url, 'POST', '/api/orgs/default/chat/completion', { instance_id: 'helpdesk', message: QUESTION, stream: false })).body).toMatchObject({ tokens_out: 2 });
  } finally {
    await corral.stop();
    await rm(stateDir, { recursive: true, force: true });
  }
}, 600_000);
