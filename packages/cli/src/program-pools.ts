import { Option, type Command } from 'commander';
import { optionsOf, type Perform } from './perform.js';

/** Pools and nodes, and what operators do to them. */
export function addPools(program: Command, perform: Perform): void {
  const pools = program
    .command('pools')
    .description('the devices that serve, and why one does not')
    .action((_, command: Command) => perform(async (context) => (await import('./commands/pools.js')).pools(context, optionsOf(command))));
  addPoolChanges(pools, perform);
  program
    .command('nodes')
    .description('the machines, and whether they report')
    .action((_, command: Command) => perform(async (context) => (await import('./commands/nodes.js')).nodes(context, optionsOf(command))));
  program
    .command('drain')
    .argument('<pool|node>', 'id of a pool, or of a node for all its pools')
    .description('take it out of service: no new work, what runs may end until the deadline')
    .option('--deadline <time>', 'how long what runs may go on, such as 60s')
    .option('--wait', 'return when it is drained', false)
    .option('--undo', 'put it back into service', false)
    .action((id: string, _, command: Command) => perform(async (context) => (await import('./commands/drain.js')).drain(context, optionsOf(command), id)));
  program
    .command('reset')
    .argument('<pool>', 'id of the pool; corral pools lists them')
    .description('forget what failed in a pool, so that what is wanted there is tried at once')
    .action((pool: string, _, command: Command) => perform(async (context) => (await import('./commands/reset.js')).reset(context, optionsOf(command), pool)));
}

const noWait = (): Option => new Option('--no-wait', 'return while it goes on');
const deadline = (): Option => new Option('--deadline <time>', 'how long what runs may go on, such as 60s');

function addPoolChanges(pools: Command, perform: Perform): void {
  pools
    .command('reload')
    .argument('<pool>', 'id of the pool')
    .argument('<model>', 'model, route or instance')
    .description('replace a replica by one of another model, or leave everything as it was')
    .option('--replica <id>', 'which one, where the pool has several')
    .addOption(deadline())
    .addOption(noWait())
    .action((pool: string, model: string, _, command: Command) => perform(async (context) => (await import('./commands/pools-change.js')).poolsReload(context, optionsOf(command), pool, model)));
  pools
    .command('preload')
    .argument('<pool>', 'id of the pool')
    .argument('[models...]', 'models, routes or instances to load beside what is there')
    .description('put a pool into service')
    .addOption(noWait())
    .action((pool: string, models: string[], _, command: Command) => perform(async (context) => (await import('./commands/pools-change.js')).poolsPreload(context, optionsOf(command), pool, models)));
  pools
    .command('purge')
    .argument('<pool>', 'id of the pool')
    .description('drain a pool, then delete models and what its engines left from its node')
    .option('--models <ids...>', 'models whose entry and file go')
    .option('--engine', 'engine bundles that nothing uses go too', false)
    .option('--caches', 'staged copies and kept prefixes go too', false)
    .option('--no-drain', 'without a drain first')
    .option('--force', 'also what instances want', false)
    .addOption(deadline())
    .addOption(noWait())
    .action((pool: string, _, command: Command) => perform(async (context) => (await import('./commands/pools-change.js')).poolsPurge(context, optionsOf(command), pool)));
}
