export type { CliContext, Environment, SignalName, SignalPort, TextOut } from './cli-context.js';
export { CliFailure } from './cli-failure.js';
export { EXIT, type ExitCode } from './exit-code.js';
export { processContext } from './process-context.js';
export type { Perform } from './perform.js';
export { createProgram } from './program.js';
export { runCli, type CliProcess } from './run-cli.js';
export { runUp } from './up/run-up.js';
export { UP_TIMES, type DaemonName, type DaemonPrograms, type UpRequest, type UpTimes } from './up/up-request.js';
