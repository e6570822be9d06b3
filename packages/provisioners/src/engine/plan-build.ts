import { join } from 'node:path';
import type { EngineTarget } from './engine-target.js';

/** The sources inside node-llama-cpp's package, and what they are built against. All of it is there without a network. */
export interface EngineSources {
  /** Folder with `CMakeLists.txt` and the sources of the binding. */
  readonly folder: string;
  /** Git bundle with llama.cpp. */
  readonly gitBundle: string;
  /** Changes to llama.cpp, in order. */
  readonly patches: readonly string[];
  /** Headers of Node's native interface. */
  readonly nodeHeaders: string;
  /** The package node-addon-api. */
  readonly nodeAddonApi: string;
}

export interface BuildTools {
  readonly git: string;
  readonly cmake: string;
  /** Build with ninja, else with make. */
  readonly hasNinja: boolean;
  readonly node: string;
  /** Prefix that lowers the priority; empty where there is no `nice`. */
  readonly nice: readonly string[];
}

/** One step of a build: what runs where, and what it is called. */
export interface BuildStep {
  readonly phase: 'unpacking' | 'configuring' | 'compiling';
  readonly command: readonly string[];
  readonly cwd: string;
}

export interface BuildPlan {
  readonly steps: readonly BuildStep[];
  readonly flags: readonly string[];
  /** Where the files of the bundle lie afterwards. */
  readonly outputs: readonly string[];
}

/** What is not wanted of llama.cpp, and what makes it a build for this very processor. */
const FLAGS = ['GGML_NATIVE=ON', 'GGML_METAL=OFF', 'GGML_CCACHE=OFF', 'GGML_BUILD_NUMBER=1', 'LLAMA_CURL=OFF', 'LLAMA_OPENSSL=OFF', 'LLAMA_BUILD_BORINGSSL=OFF', 'LLAMA_BUILD_TOOLS=OFF', 'LLAMA_BUILD_SERVER=OFF', 'LLAMA_BUILD_TESTS=OFF', 'LLAMA_BUILD_EXAMPLES=OFF'] as const;

/**
 * The steps of a local build, the same for the same input. `folder` holds a copy of the sources, and everything that comes
 * of it. Git runs without the user's configuration, so that no hook and no filter of it has a part in the build. [D-25 D-78]
 */
export function planBuild({ sources, tools, target, folder, jobs }: { readonly sources: EngineSources; readonly tools: BuildTools; readonly target: EngineTarget; readonly folder: string; readonly jobs: number }): BuildPlan {
  const [llama, build] = [join(folder, 'llama.cpp'), join(folder, 'build')];
  const platform = `${target.platform === 'darwin' ? 'mac' : target.platform}-${target.arch}`;
  const own = [`CMAKE_JS_INC=${sources.nodeHeaders}`, `NLC_CURRENT_PLATFORM=${platform}`, `NLC_TARGET_PLATFORM=${platform}`, `NLC_VARIANT=${target.buildRef}`];
  const configure = [tools.cmake, '-S', folder, '-B', build, '-G', tools.hasNinja ? 'Ninja' : 'Unix Makefiles', '-DCMAKE_BUILD_TYPE=Release', ...[...FLAGS, ...own].map((flag) => `-D${flag}`)];
  const steps: readonly BuildStep[] = [
    { phase: 'unpacking', command: [tools.git, '-c', 'advice.detachedHead=false', 'clone', '--quiet', sources.gitBundle, llama], cwd: folder },
    ...sources.patches.map((patch): BuildStep => ({ phase: 'unpacking', command: [tools.git, 'apply', '--ignore-whitespace', patch], cwd: llama })),
    { phase: 'configuring', command: configure, cwd: folder },
    { phase: 'compiling', command: [tools.cmake, '--build', build, '--target', 'llama-addon', '--parallel', String(jobs)], cwd: folder },
  ];
  return { steps: steps.map((step) => ({ ...step, command: [...tools.nice, ...step.command] })), flags: ['CMAKE_BUILD_TYPE=Release', ...FLAGS], outputs: [build, join(build, 'bin')] };
}

/** How far a compiler is, by what ninja (`[3/148]`) or make (`[ 12%]`) said last; `null` = it said nothing of it. */
export function compiledFraction(said: string): number | null {
  const last = [...said.matchAll(/\[\s*(\d+)(?:\/(\d+)|%)\]/g)].at(-1);
  if (last === undefined) return null;
  const fraction = Number(last[1]) / Number(last[2] ?? 100);
  return Number.isFinite(fraction) ? Math.min(1, fraction) : null;
}
