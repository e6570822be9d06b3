import { copyFile, cp, mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import type { Clock } from '@corral/service-kit';
import { assertRoom } from '../model/disk-space.js';
import { ProvisionError } from '../model/provision-error.js';
import { runProgram } from '../programs/run-program.js';
import { BUILD_METADATA, NATIVE_BINARY } from './engine-target.js';
import type { EngineTarget } from './engine-target.js';
import { findTools } from './find-tools.js';
import { compiledFraction, planBuild } from './plan-build.js';
import type { BuildStep, EngineSources } from './plan-build.js';

export interface BuildProgress {
  readonly phase: BuildStep['phase'] | 'copying';
  readonly fraction: number | null;
}

export interface BuildRequest {
  readonly sources: EngineSources;
  readonly target: EngineTarget;
  /** An empty folder, on the disk that the bundle will lie on. */
  readonly folder: string;
  /** Gets the files of the bundle. */
  readonly into: string;
  readonly jobs: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: BuildProgress) => void;
}

/** Sources, objects and libraries of a build. */
const NEEDED_BYTES = 1_500_000_000;
const SAID = 1_200;
/** What is copied of the binding's folder; the rest is other platforms' and the git bundle. */
const OWN_SOURCES = ['CMakeLists.txt', 'addon', 'cmake', 'profiles', 'toolchains', 'package.json'] as const;

/**
 * Builds the engine from the sources that came with it: without a network, at the lowest priority, in a process group that
 * ends with this process or with the signal. Returns the flags it was built with. [D-78]
 */
export async function buildBundle(request: BuildRequest): Promise<readonly string[]> {
  const { sources, target, folder, into, jobs, env, clock, signal, onProgress } = request;
  const tools = await findTools(env, process.execPath);
  await assertRoom(folder, NEEDED_BYTES);
  onProgress({ phase: 'unpacking', fraction: null });
  await copySources(sources, folder);
  const plan = planBuild({ sources, tools, target, folder, jobs });
  const buildEnv = { ...env, PATH: `${dirname(tools.node)}${delimiter}${env['PATH'] ?? ''}`, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', NODE_OPTIONS: '' };
  for (const { phase, command, cwd } of plan.steps) {
    onProgress({ phase, fraction: phase === 'compiling' ? 0 : null });
    const { code, stdout, stderr } = await runProgram(command, {
      env: buildEnv,
      cwd,
      clock,
      signal,
      onStdout: (said) => phase === 'compiling' && onProgress({ phase, fraction: compiledFraction(said.slice(-SAID)) }),
    });
    if (code !== 0) throw new ProvisionError('FETCH_FAILED', `the local build failed while ${phase} (exit code ${String(code)}): ${lastOf(stderr) || lastOf(stdout)}; mend what it names, or add a prebuilt package`);
  }
  onProgress({ phase: 'copying', fraction: null });
  await collect(plan.outputs, into);
  await writeFile(join(into, BUILD_METADATA), metadataOf(target, plan.flags));
  return plan.flags;
}

async function copySources({ folder: from, nodeAddonApi }: EngineSources, to: string): Promise<void> {
  for (const name of OWN_SOURCES) await cp(join(from, name), join(to, name), { recursive: true });
  await mkdir(join(to, 'node_modules'));
  await symlink(nodeAddonApi, join(to, 'node_modules', 'node-addon-api'));
}

/** The native binary and the libraries that it was linked with. */
async function collect(folders: readonly string[], into: string): Promise<void> {
  for (const folder of folders) {
    for (const name of await readdir(folder).catch(() => [])) {
      if (/\.(node|so|dylib|dll)$/.test(name) && (await stat(join(folder, name))).isFile()) await copyFile(join(folder, name), join(into, name));
    }
  }
  if (!(await readdir(into)).includes(NATIVE_BINARY)) throw new ProvisionError('DAMAGED', `the local build ended without ${NATIVE_BINARY}; its compiler did not do what it was told`);
}

function metadataOf({ platform, arch, buildRef }: EngineTarget, flags: readonly string[]): string {
  const customCmakeOptions = Object.fromEntries(flags.map((flag) => [flag.slice(0, flag.indexOf('=')), flag.slice(flag.indexOf('=') + 1)]));
  return JSON.stringify({ buildOptions: { customCmakeOptions, progressLogs: false, platform: platform === 'darwin' ? 'mac' : platform, arch, gpu: false, llamaCpp: { repo: 'ggml-org/llama.cpp', release: buildRef } } });
}

function lastOf(said: string): string {
  return said.trim().slice(-SAID);
}
