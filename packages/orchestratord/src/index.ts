export { startOrchestratord, type OrchestratordParts, type RunningOrchestratord } from './compose.js';
export { configSpec, type OrchestratordConfig } from './config.js';
export { runOrchestratord, type RunOptions } from './run.js';
