// Puts the worker of the llama.cpp engine into one file, dist/bundle/worker.js: one file is read several times faster than 550.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { askBeforeReading, onlyWhatIsUsed, withoutSearch } from './bundle-plugins.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const folder = join(here, 'dist/bundle');
const require = createRequire(import.meta.url);

const { metafile, outputFiles } = await build({
  absWorkingDir: here,
  entryPoints: ['dist/llamacpp/trusting-worker.js'],
  outfile: join(folder, 'worker.js'),
  bundle: true,
  write: false,
  metafile: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  external: ['@node-llama-cpp/*', '@reflink/*'],
  banner: { js: "import { createRequire as createRequireOfBundle } from 'node:module'; const require = createRequireOfBundle(import.meta.url);" },
  plugins: [onlyWhatIsUsed, withoutSearch, askBeforeReading],
  logLevel: 'error',
});

const ours = Object.keys(metafile.inputs).filter((path) => !path.includes('node_modules/'));
const files = Object.fromEntries(ours.sort().map((path) => [relative(folder, resolve(here, path)), createHash('sha256').update(readFileSync(resolve(here, path))).digest('hex')]));
const nodeLlamaCpp = JSON.parse(readFileSync(join(dirname(require.resolve('node-llama-cpp')), '../package.json'), 'utf8')).version;

mkdirSync(folder, { recursive: true });
for (const [name, contents] of [['worker.js', outputFiles[0].contents], ['inputs.json', JSON.stringify({ nodeLlamaCpp, files }, null, 1)]]) {
  const temporary = join(folder, `.${String(name)}.${process.pid}`);
  writeFileSync(temporary, contents);
  renameSync(temporary, join(folder, name));
}
