import { Command, Option } from 'commander';
import { EXIT } from './exit-code.js';
import { optionsOf, type Perform } from './perform.js';
import { addEngines } from './program-engines.js';
import { addInstances } from './program-instances.js';
import { addPools } from './program-pools.js';
import { addModels } from './program-models.js';

/**
 * The commands and their flags. Each loads its code when it runs, so that `--help` and completion stay quick.
 *
 * `exitOverride` is set: wrong use throws a CommanderError instead of ending the process.
 */
export function createProgram(version: string, perform: Perform): Command {
  const program = new Command('corral')
    .description('Serve many GGUF models from few GPUs.')
    .version(version, '--version', 'print the version')
    .helpOption('--help', 'print this')
    .option('--json', 'print one JSON document', false)
    .option('--url <url>', 'address of the server (env CORRAL_URL; default http://127.0.0.1:8080)')
    .option('--token <token>', 'token or key for it (env CORRAL_TOKEN)')
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', EXIT_CODES)
    .exitOverride();
  addUp(program, perform);
  addLooks(program, perform);
  addModels(program, perform);
  addPools(program, perform);
  addInstances(program, perform);
  addGc(program, perform);
  addEngines(program, perform);
  addChat(program, perform);
  addAccess(program, perform);
  addLogs(program, perform);
  addReload(program, perform);
  return program;
}

const EXIT_CODES = `
exit codes: ${EXIT.done} done, ${EXIT.failed} failed, ${EXIT.wrongUse} wrong use, ${EXIT.unreachable} could not reach the server, ${EXIT.refused} refused`;

function addUp(program: Command, perform: Perform): void {
  program
    .command('up')
    .description('run both daemons on this machine, in the foreground, until Ctrl-C')
    .option('--manifest <file>', 'what to serve; without it the starter model')
    .option('--config <file>', 'settings, in the sections orchestratord: and pool_managerd:')
    .option('--state-dir <dir>', 'where everything durable lives (env CORRAL_STATE_DIR)')
    .option('--port <n>', 'port of the control plane; 0 takes a free one')
    .option('--pool-port <n>', 'port of pool-managerd; 0 takes a free one')
    .option('--allow-cpu', 'serve from the CPU where no GPU is found')
    .option('--watch', 'reload the manifest whenever its file changes (env CORRAL_WATCH)')
    .option('--ask <text>', 'ask the first model and print its answer')
    .option('--once', 'end after the answer')
    .action((_, command: Command) => perform(async (context) => (await import('./commands/up.js')).up(context, optionsOf(command))));
}

function addLooks(program: Command, perform: Perform): void {
  program
    .command('status')
    .description('whether the server is up and may serve, and with what')
    .action((_, command: Command) =>
      perform(async (context) => (await import('./commands/status.js')).status(context, optionsOf(command))),
    );
  program
    .command('ps')
    .description('what is resident where')
    .action((_, command: Command) => perform(async (context) => (await import('./commands/ps.js')).ps(context, optionsOf(command))));
  program
    .command('stage')
    .argument('<model>', 'id of a model that a node has on its disk')
    .description('copy a model into the RAM of the nodes that have it, so that its next load is quick')
    .option('--no-wait', 'return while it is being copied')
    .action((model: string, _, command: Command) =>
      perform(async (context) => (await import('./commands/stage.js')).stage(context, optionsOf(command), model)),
    );
  program
    .command('cancel')
    .argument('<task>', 'id of the task')
    .description('cancel a task, wherever it is')
    .action((task: string, _, command: Command) =>
      perform(async (context) => (await import('./commands/cancel.js')).cancel(context, optionsOf(command), task)),
    );
}

function addGc(program: Command, perform: Perform): void {
  program
    .command('gc')
    .description('delete on every node what its retention rules let go: models long retired, and more where a disk is too full')
    .option('--dry-run', 'only say what would go and what stays', false)
    .action((_, command: Command) => perform(async (context) => (await import('./commands/gc.js')).gc(context, optionsOf(command))));
}

function addChat(program: Command, perform: Perform): void {
  program
    .command('chat')
    .argument('[model]', "model, route or instance; without it the server's first")
    .argument('[text]', 'what to say; without it piped input, or a conversation on the terminal')
    .description('talk to a model')
    .option('--system <text>', 'system prompt')
    .option('--max-tokens <n>', 'longest answer, tokens')
    .option('--temperature <t>', 'from 0, which always takes the likeliest token, to 2')
    .option('--seed <n>', 'the same seed gives the same answer')
    .action((model: string | undefined, text: string | undefined, _, command: Command) =>
      perform(async (context) => (await import('./commands/chat.js')).chat(context, optionsOf(command), { model, text })),
    );
}

function addAccess(program: Command, perform: Perform): void {
  const orgs = program.command('orgs').description('organisations: whose instances, tasks and keys are whose');
  orgs
    .command('ls')
    .description('the organisations of this server')
    .action((_, command: Command) => perform(async (context) => (await import('./commands/orgs.js')).orgsLs(context, optionsOf(command))));
  orgs
    .command('create')
    .argument('<org>', 'its id')
    .description('a new organisation')
    .action((org: string, _, command: Command) => perform(async (context) => (await import('./commands/orgs.js')).orgsCreate(context, optionsOf(command), org)));
  const keys = program.command('keys').description('keys: who may call, for which organisation and in which role');
  keys
    .command('ls')
    .description('the keys, revoked ones too; their texts are shown when they are created and never again')
    .option('--org <org>', 'only those of this organisation')
    .action((_, command: Command) => perform(async (context) => (await import('./commands/keys.js')).keysLs(context, optionsOf(command))));
  keys
    .command('create')
    .description('a new key; standard output gets its text and nothing else')
    .option('--org <org>', 'organisation that it belongs to', 'default')
    .addOption(new Option('--role <role>', 'what it may do').choices(['member', 'org_admin', 'system_admin']).default('member'))
    .option('--name <text>', 'what it is for')
    .option('--days <n>', 'how long it is good; without it until it is revoked')
    .option('--models <names>', 'the models, routes and instances that it may use, with commas; without it all')
    .option('--rate <n>', 'most requests per minute')
    .action((_, command: Command) => perform(async (context) => (await import('./commands/keys.js')).keysCreate(context, optionsOf(command))));
  keys
    .command('revoke')
    .argument('<key>', 'id of the key, not its text; corral keys ls lists them')
    .description('refuse a key from now on')
    .action((key: string, _, command: Command) => perform(async (context) => (await import('./commands/keys.js')).keysRevoke(context, optionsOf(command), key)));
}

function addLogs(program: Command, perform: Perform): void {
  program
    .command('logs')
    .description('log lines of the daemons on this machine; with --json as they stand in the files')
    .option('-f, --follow', 'go on with what is written')
    .option('-n, --lines <n>', 'how many of the newest lines', '100')
    .addOption(new Option('--level <level>', 'this level and what is graver').choices(['error', 'warn', 'info', 'debug']))
    .option('--correlation <id>', 'only lines of this correlation id')
    .option('--state-dir <dir>', 'state directory of the daemons (env CORRAL_STATE_DIR)')
    .action((_, command: Command) => perform(async (context) => (await import('./commands/logs.js')).logs(context, optionsOf(command))));
  program
    .command('events')
    .description('follow what happens: what nodes are told to do, and what they say; with --json one document each')
    .option('--since <id>', 'begin after this event; 0 with all that the server kept')
    .option('--count <n>', 'end after so many')
    .action((_, command: Command) => perform(async (context) => (await import('./commands/events.js')).events(context, optionsOf(command))));
}

function addReload(program: Command, perform: Perform): void {
  program
    .command('reload')
    .description('serve the manifest as its file is now, without a restart (env ORCHESTRATOR_API_KEYS, else ORCHESTRATOR_HMAC_SECRET)')
    .option('--config <manifest>', 'the manifest that the server was started with; it refuses another one')
    .option('--manifest <file>', 'the same')
    .option('--state-dir <dir>', 'state directory of the server, which says where it listens (env CORRAL_STATE_DIR)')
    .option('--admin-url <url>', 'address of the server, instead of what its state directory says')
    .option('--timeout <seconds>', 'how long to wait for the answer', '10')
    .action((_, command: Command) => perform(async (context) => (await import('./commands/reload.js')).reload(context, optionsOf(command))));
}
