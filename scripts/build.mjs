// Builds every package: TypeScript, then the packages' own build.mjs (bundles), then the programs are made executable.
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { endWithSignals, run } from './command.mjs';
import { root, seconds, stepFailed } from './report.mjs';

const stamp = join(root, '.cache/build.json');

/**
 * Brings packages/<package>/dist up to date. Returns whether there was anything to do.
 *
 * What was built is remembered as path, size and time of every input, so that an unchanged tree costs one walk over it. Throws with the
 * compiler's output when it does not build.
 */
export async function build({ force = false } = {}) {
  const inputs = JSON.stringify(inputsOf(packageFolders()));
  if (!force && isBuilt() && existsSync(stamp) && readFileSync(stamp, 'utf8') === inputs) return false;
  const started = performance.now();
  await compile();
  for (const folder of packageFolders()) {
    if (existsSync(join(root, folder, 'build.mjs'))) await bundle(folder);
  }
  for (const program of programs().filter((file) => existsSync(file))) chmodSync(program, 0o755);
  mkdirSync(join(root, '.cache'), { recursive: true });
  writeFileSync(stamp, inputs);
  console.error(`corral: built (${seconds(started)})`);
  return true;
}

async function compile() {
  // The compiler trusts its records: where a folder of its output was removed by hand they must be ignored.
  const args = isBuilt() ? ['-b'] : ['-b', '--force'];
  const { code, output } = await run(join(root, 'node_modules/.bin/tsc'), args, { cwd: root });
  if (code !== 0) throw stepFailed('the TypeScript build failed', output, 'fix what the compiler names, then run this again');
}

async function bundle(folder) {
  const { code, output } = await run(process.execPath, [join(root, folder, 'build.mjs')], { cwd: join(root, folder) });
  if (code !== 0) throw stepFailed(`${folder}/build.mjs failed`, output, 'fix what it names, then run this again');
}

function isBuilt() {
  const entries = packageFolders()
    .filter((folder) => existsSync(join(root, folder, 'src/index.ts')))
    .map((folder) => join(root, folder, 'dist/index.js'));
  return [...entries, ...programs(), join(root, 'packages/dashboard/dist/site/index.html')].every((file) => existsSync(file));
}

function packageFolders() {
  return readdirSync(join(root, 'packages'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join('packages', entry.name))
    .sort();
}

function programs() {
  return packageFolders()
    .filter((folder) => existsSync(join(root, folder, 'src/main.ts')))
    .map((folder) => join(root, folder, 'dist/main.js'));
}

/** Everything a build reads, as `path size time`; what a build or an installation writes is left out. */
function inputsOf(folders) {
  const inputs = [];
  const add = (path) => {
    const { size, mtimeMs } = statSync(join(root, path));
    inputs.push(`${path} ${size} ${mtimeMs}`);
  };
  const walk = (path) => {
    for (const entry of readdirSync(join(root, path), { withFileTypes: true })) {
      if (entry.name === 'dist' || entry.name === 'node_modules' || entry.name === 'test' || entry.name.endsWith('.test.ts')) continue;
      if (entry.isDirectory()) walk(join(path, entry.name));
      else if (entry.isFile()) add(join(path, entry.name));
    }
  };
  for (const file of ['package.json', 'pnpm-lock.yaml', 'tsconfig.json', 'tsconfig.base.json']) add(file);
  folders.forEach(walk);
  return inputs;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  endWithSignals();
  await build({ force: true }).catch((error) => {
    console.error(`corral: ${error.message}`);
    process.exitCode = 1;
  });
}
