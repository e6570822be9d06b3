// Makes a checkout runnable: pnpm, the dependencies, the build. What is current is skipped, so that a second start costs nothing.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from './build.mjs';
import { endWithParent, endWithSignals, run } from './command.mjs';
import { root, seconds, stepFailed } from './report.mjs';

const PNPM_VERSION = '12.21.0';
const pnpm = join(root, '.tools/node_modules/.bin/pnpm');
const stamp = join(root, 'node_modules/.corral-installed');

/** Installs and builds what is not current; one line on standard error for each step that did something. Throws with the next step. */
export async function setup() {
  const started = performance.now();
  const done = [await ensurePnpm(), await ensureDependencies(), await build()];
  if (!done.includes(true)) console.error(`corral: dependencies and build are current (${seconds(started)})`);
}

/** pnpm lives in `.tools`, in exactly one version; npm is needed only to fetch it. Returns whether it had to. */
async function ensurePnpm() {
  const manifest = join(root, '.tools/node_modules/pnpm/package.json');
  if (existsSync(pnpm) && existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).version === PNPM_VERSION) return false;
  if (!onPath('npm')) throw new Error('npm was not found; install npm (it comes with Node.js), then run this again');
  const started = performance.now();
  mkdirSync(join(root, '.tools'), { recursive: true });
  const args = ['install', '--prefix', '.tools', '--save-exact', '--ignore-scripts=false', '--no-audit', '--no-fund', '--loglevel=error'];
  const { code, output } = await run('npm', [...args, `pnpm@${PNPM_VERSION}`], { cwd: root });
  if (code !== 0) throw stepFailed(`installing pnpm ${PNPM_VERSION} failed`, output, 'check that npm reaches its registry, then run this again');
  console.error(`corral: installed pnpm ${PNPM_VERSION} into .tools (${seconds(started)})`);
  return true;
}

/** The dependencies are current when node_modules was filled from the same lockfile, settings and manifests. Returns whether it installed. */
async function ensureDependencies() {
  const wanted = dependenciesHash();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return false;
  const started = performance.now();
  console.error('corral: installing dependencies …');
  const { code, output } = await run(pnpm, ['install', '--frozen-lockfile', '--config.confirmModulesPurge=false'], { cwd: root });
  if (code !== 0) throw stepFailed('installing the dependencies failed', output, 'mend what the lines above name (often the registry cannot be reached, or the disk is full), then run this again');
  writeFileSync(stamp, wanted);
  console.error(`corral: installed the dependencies (${seconds(started)})`);
  return true;
}

function dependenciesHash() {
  const manifests = readdirSync(join(root, 'packages')).sort().map((name) => join('packages', name, 'package.json'));
  const hash = createHash('sha256').update(`${process.version} ${process.platform} ${process.arch}\n`);
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json', ...manifests]) {
    if (existsSync(join(root, file))) hash.update(`${file}\n`).update(readFileSync(join(root, file)));
  }
  return hash.digest('hex');
}

function onPath(program) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  endWithSignals();
  endWithParent();
  await setup().catch((error) => {
    console.error(`corral: ${error.message}`);
    process.exitCode = 1;
  });
}
