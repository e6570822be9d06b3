import { Option, type Command } from 'commander';
import { optionsOf, type Perform } from './perform.js';

const TIERS = ['hot', 'warm', 'cold', 'demand'];
const NAMED = 'ORG/INSTANCE; without an org that of --org';

/** Instances: what they are, where they are, and their way into memory. */
export function addInstances(program: Command, perform: Perform): void {
  const instances = program.command('instances').description('configured runtimes of an organisation');
  addReading(instances, perform);
  addChanging(instances, perform);
  addLifecycle(program, perform);
  program
    .command('top')
    .description('instances, pools and memory, over and over until Ctrl-C')
    .option('--once', 'one look')
    .option('--interval <seconds>', 'between two looks', '2')
    .action((_, command: Command) => perform(async (context) => (await import('./commands/top.js')).top(context, optionsOf(command))));
}

function addReading(instances: Command, perform: Perform): void {
  instances
    .command('ls')
    .description('instances of an org, with what they wish and where they are')
    .option('--org <org>', 'whose', 'default')
    .action((_, command: Command) => perform(async (context) => (await import('./commands/instances-ls.js')).instancesLs(context, optionsOf(command))));
  instances
    .command('show')
    .argument('<instance>', NAMED)
    .description('one instance, and what happened to it')
    .option('--org <org>', 'whose', 'default')
    .option('--events <n>', 'how many of the newest events', '10')
    .action((instance: string, _, command: Command) =>
      perform(async (context) => (await import('./commands/instances-show.js')).instancesShow(context, optionsOf(command), instance)),
    );
}

function addChanging(instances: Command, perform: Perform): void {
  const tier = () => new Option('--tier <tier>', 'where it should be').choices(TIERS);
  const set = () => new Option('--set <key=value>', 'a key of its config, as often as needed; key=null takes it away').default([]).argParser((text: string, before: readonly string[]) => [...before, text]);
  instances
    .command('create')
    .argument('<instance>', NAMED)
    .description('make an instance; only a hot one is loaded by it')
    .requiredOption('--model <id>', 'what it runs')
    .option('--org <org>', 'whose', 'default')
    .addOption(tier())
    .option('--ttl-s <seconds>', 'without use, until one of tier demand leaves device memory')
    .option('--name <text>', 'for people')
    .addOption(set())
    .action((instance: string, _, command: Command) =>
      perform(async (context) => (await import('./commands/instances-change.js')).instancesCreate(context, optionsOf(command), instance)),
    );
  instances
    .command('set')
    .argument('<instance>', NAMED)
    .description('change an instance; what is left out stays')
    .option('--model <id>', 'what it runs')
    .option('--org <org>', 'whose', 'default')
    .addOption(tier())
    .addOption(new Option('--status <status>', 'a suspended one serves nothing').choices(['active', 'suspended']))
    .option('--ttl-s <seconds>', 'without use, until one of tier demand leaves device memory; none takes it away')
    .option('--name <text>', 'for people')
    .addOption(set())
    .action((instance: string, _, command: Command) =>
      perform(async (context) => (await import('./commands/instances-change.js')).instancesSet(context, optionsOf(command), instance)),
    );
  instances
    .command('rm')
    .argument('<instance>', NAMED)
    .description('unload and delete an instance')
    .option('--org <org>', 'whose', 'default')
    .action((instance: string, _, command: Command) =>
      perform(async (context) => (await import('./commands/instances-change.js')).instancesRm(context, optionsOf(command), instance)),
    );
}

function addLifecycle(program: Command, perform: Perform): void {
  program
    .command('load')
    .argument('<instance>', NAMED)
    .description('load an instance')
    .option('--org <org>', 'whose', 'default')
    .addOption(new Option('--tier <tier>', 'for this load alone; warm stops in host RAM').choices(TIERS))
    .option('--wait', 'until it is there')
    .option('--timeout <seconds>', 'how long to wait', '600')
    .action((instance: string, _, command: Command) => perform(async (context) => (await import('./commands/load.js')).load(context, optionsOf(command), instance)));
  program
    .command('unload')
    .argument('<instance>', NAMED)
    .description('unload an instance; running answers end first')
    .option('--org <org>', 'whose', 'default')
    .option('--wait', 'until it is gone')
    .option('--timeout <seconds>', 'how long to wait', '600')
    .action((instance: string, _, command: Command) => perform(async (context) => (await import('./commands/load.js')).unload(context, optionsOf(command), instance)));
}
