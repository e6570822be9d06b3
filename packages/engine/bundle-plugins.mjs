// How node-llama-cpp is put into one file. A version of it that no longer has what these look for does not build.
import { readFileSync } from 'node:fs';

/** The engine asks `corralReadGguf` before it reads a file's header. A version of it without that place does not build. */
export const askBeforeReading = {
  name: 'ask before reading',
  setup({ onLoad, onEnd }) {
    let isFound = false;
    onLoad({ filter: /node-llama-cpp\/dist\/gguf\/readGgufFileInfo\.js$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8');
      const head = 'export async function readGgufFileInfo(';
      if (!source.includes(head)) return { errors: [{ text: 'node-llama-cpp has changed: readGgufFileInfo was not found; look at how its header is read and change build.mjs' }] };
      isFound = true;
      const asking = 'export async function readGgufFileInfo(path, options) {\n  const read = () => readFromFile(path, options);\n  return globalThis.corralReadGguf === undefined ? await read() : await globalThis.corralReadGguf(path, read);\n}\n';
      return { loader: 'js', contents: `${source.replace(head, 'async function readFromFile(')}\n${asking}` };
    });
    onEnd(() => (isFound ? {} : { errors: [{ text: 'node-llama-cpp has changed: gguf/readGgufFileInfo.js is not in the bundle; change build.mjs' }] }));
  },
};

/** To find, test and build binaries takes half of node-llama-cpp, which looks for its own folder; the worker in one file is given its binary. */
export const withoutSearch = {
  name: 'without the search for binaries',
  setup({ onLoad }) {
    onLoad({ filter: /node-llama-cpp\/dist\/bindings\/getLlama\.js$/ }, ({ path }) => {
      const names = [...readFileSync(path, 'utf8').matchAll(/^export (?:async )?(?:const|function) (\w+)/gm)].map(([, name]) => name);
      if (!names.includes('getLlama')) return { errors: [{ text: 'node-llama-cpp has changed: getLlama was not found; change build.mjs' }] };
      const refuse = "const refuse = () => { throw new Error('the worker in one file does not look for binaries'); };";
      return { loader: 'js', contents: `${refuse}\n${names.map((name) => `export const ${name} = refuse;`).join('\n')}\n` };
    });
  },
};

/** Of node-llama-cpp only what the worker uses is taken: what its other modules do when they are read is of no use here. */
export const onlyWhatIsUsed = {
  name: 'only what is used',
  setup({ onResolve, resolve: resolveAs }) {
    onResolve({ filter: /.*/ }, async ({ path, importer, resolveDir, kind, pluginData }) => {
      if (pluginData === onlyWhatIsUsed || kind === 'entry-point') return undefined;
      if (path !== 'node-llama-cpp' && !/\/node_modules\/node-llama-cpp\//.test(importer)) return undefined;
      const found = await resolveAs(path, { importer, resolveDir, kind, pluginData: onlyWhatIsUsed });
      return found.errors.length > 0 ? undefined : { ...found, sideEffects: false };
    });
  },
};
