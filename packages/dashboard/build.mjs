// Puts the pages into dist/site: one document, and files whose names change with their contents. What is current is left alone.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, version } from 'vite';

const here = dirname(fileURLToPath(import.meta.url));
const stamp = join(here, 'dist/site.stamp');
const site = join(here, 'dist/site');
const inputs = inputsOf();

if (!existsSync(join(site, 'index.html')) || !existsSync(stamp) || readFileSync(stamp, 'utf8') !== inputs) {
  await bundle(`${site}.${process.pid}`);
  writeFileSync(stamp, inputs);
}

/** Into a folder of its own first: a daemon that starts meanwhile reads the old pages or the new ones, never half of each. */
async function bundle(folder) {
  try {
    await build({
      root: here,
      configFile: false,
      envFile: false,
      base: '/ui/',
      logLevel: 'error',
      oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
      build: {
        outDir: folder,
        emptyOutDir: true,
        target: 'es2022',
        // Everything is a file: the content security policy allows nothing that is written into the document.
        assetsInlineLimit: 0,
        modulePreload: { polyfill: false },
        reportCompressedSize: false,
      },
    });
    rmSync(site, { recursive: true, force: true });
    renameSync(folder, site);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A digest over everything that the bundle is made of. */
function inputsOf() {
  const hash = createHash('sha256').update(`vite ${version}\n`);
  const add = (path) => hash.update(`${path}\n`).update(readFileSync(join(here, path)));
  const walk = (folder) => {
    for (const entry of readdirSync(join(here, folder), { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.isDirectory()) walk(join(folder, entry.name));
      else if (!entry.name.endsWith('.test.ts')) add(join(folder, entry.name));
    }
  };
  ['package.json', 'index.html', 'build.mjs'].forEach(add);
  ['src', 'public'].forEach(walk);
  return hash.digest('hex');
}
