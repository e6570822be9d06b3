import type { EngineAdd } from '@corral/contracts';
import type { Command } from 'commander';
import type { Globals } from './commands/globals.js';
import { optionsOf, type Perform } from './perform.js';

const NODE = ['--node <node>', 'on which node; without it the only one'] as const;
const ENGINE = 'id of the engine; corral engines ls lists them';

/** Builds of the engine on the nodes. */
export function addEngines(program: Command, perform: Perform): void {
  const engines = program.command('engines').description('builds of the engine on the nodes, and which of them serve');
  engines
    .command('ls')
    .description('the builds that the nodes have')
    .option(...NODE)
    .action((_, command: Command) => perform(async (context) => (await import('./commands/engines.js')).enginesLs(context, optionsOf(command))));
  addBringing(engines, perform);
  for (const what of ['verify', 'use'] as const)
    engines
      .command(what)
      .argument('<engine>', ENGINE)
      .description(what === 'verify' ? 'compare its files with what was registered' : 'let it serve, without a restart')
      .option(...NODE)
      .action((engineId: string, _, command: Command) => perform(async (context) => (await import('./commands/engines.js')).enginesDo(context, optionsOf(command), { what, engineId })));
  addChanging(engines, perform);
}

function addBringing(engines: Command, perform: Perform): void {
  const add = engines.command('add').description('bring a build to a node, try it, and let it serve');
  const bring = (command: Command, request: Omit<EngineAdd, 'engine_id' | 'use'>): Promise<void> =>
    perform(async (context) => {
      const { id, use, ...globals } = optionsOf<Globals & { readonly id?: string; readonly use: boolean; readonly node?: string }>(command);
      return (await import('./commands/engines.js')).enginesAdd(context, globals, { ...request, use, ...(id !== undefined && { engine_id: id }) });
    });
  add
    .command('package')
    .argument('<path>', "on the node: one of node-llama-cpp's prebuilt packages, unpacked or as a tarball")
    .description('a prebuilt package')
    .option('--id <id>', 'what to call it')
    .option('--no-use', 'try it and go on with what serves')
    .option(...NODE)
    .action((path: string, _, command: Command) => bring(command, { mode: 'package', path }));
  add
    .command('source')
    .description('a local build from the sources that came with the program; takes minutes, and needs cmake and a compiler')
    .option('--id <id>', 'what to call it')
    .option('--jobs <n>', 'compilers at once', '1')
    .option('--no-use', 'try it and go on with what serves')
    .option(...NODE)
    .action((_, command: Command) => bring(command, { mode: 'source', jobs: Number(command.opts()['jobs']) }));
  add
    .command('external')
    .argument('<url>', 'of a running llama-server as the node reaches it, such as http://127.0.0.1:8080; on the node itself or at a private address')
    .description('a llama-server that runs by itself: a pool with the one model that it has loaded')
    .option('--id <id>', 'what to call it')
    .option('--model <model>', 'which model it serves; without it as the server calls it')
    .option('--digest <digest>', 'sha256:… of its file, where the node cannot read that')
    .option('--device-kind <kind>', 'what it runs on: cpu, cuda, vulkan or metal', 'cpu')
    .option(...NODE)
    .action((url: string, _, command: Command) => perform(async (context) => (await import('./commands/engines.js')).enginesAttach(context, optionsOf(command), url)));
}

function addChanging(engines: Command, perform: Perform): void {
  const changes = {
    pin: ['keep it from garbage collection', { pinned: true }],
    unpin: ['leave it to garbage collection again', { pinned: false }],
    retire: ['leave one that nobody uses to garbage collection', { state: 'Retired' }],
    activate: ['take it back from there', { state: 'Active' }],
  } as const;
  for (const [name, [description, change]] of Object.entries(changes))
    engines
      .command(name)
      .argument('<engine>', ENGINE)
      .description(description)
      .option(...NODE)
      .action((engineId: string, _, command: Command) => perform(async (context) => (await import('./commands/engines.js')).enginesChange(context, optionsOf(command), { engineId, change })));
  engines
    .command('rm')
    .argument('<engine>', ENGINE)
    .description('delete one that nobody uses')
    .option(...NODE)
    .action((engineId: string, _, command: Command) => perform(async (context) => (await import('./commands/engines.js')).enginesRm(context, optionsOf(command), engineId)));
}
