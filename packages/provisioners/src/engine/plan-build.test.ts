import { expect, test } from '@jest/globals';
import { compiledFraction, planBuild } from './plan-build.js';

const sources = { folder: '/nlc/llama', gitBundle: '/nlc/llama/gitRelease.bundle', patches: ['/nlc/llama/patches/a.diff'], nodeHeaders: '/headers', nodeAddonApi: '/addon-api' };
const target = { engine: 'llamacpp', version: '3.22.1', buildRef: 'v0.5.0', platform: 'linux', arch: 'x64' };

test('D-25 D-78 the plan of a local build is the same for the same input, and every step of it is niced', () => {
  const tools = { git: '/bin/git', cmake: '/bin/cmake', hasNinja: true, node: '/bin/node', nice: ['/bin/nice', '-n', '19'] };
  const plan = planBuild({ sources, tools, target, folder: '/b', jobs: 3 });
  expect(plan).toEqual(planBuild({ sources, tools, target, folder: '/b', jobs: 3 }));
  expect(plan.steps.map(({ phase, cwd }) => [phase, cwd])).toEqual([['unpacking', '/b'], ['unpacking', '/b/llama.cpp'], ['configuring', '/b'], ['compiling', '/b']]);
  expect(plan.steps.every(({ command }) => command.slice(0, 3).join(' ') === '/bin/nice -n 19')).toBe(true);
  expect(plan.steps.at(-1)?.command.slice(3)).toEqual(['/bin/cmake', '--build', '/b/build', '--target', 'llama-addon', '--parallel', '3']);
  expect(plan.steps.at(2)?.command).toEqual(expect.arrayContaining(['-DGGML_NATIVE=ON', '-DNLC_VARIANT=v0.5.0', '-DCMAKE_JS_INC=/headers', 'Ninja']));
  expect(plan.flags).toContain('GGML_NATIVE=ON');
});

test.each([
  ['', null],
  ['-- The C compiler identification is GNU', null],
  ['[3/12] Building a\n[6/12] Building b\n', 0.5],
  ['[ 12%] Building a\n[ 25%] Building b\n', 0.25],
  ['[1/0] odd', null],
])('D-78 how far a compiler is: %j', (said, fraction) => {
  expect(compiledFraction(said)).toBe(fraction);
});
