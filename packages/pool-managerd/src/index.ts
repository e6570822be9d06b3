export { startNode } from './compose.js';
export type { RunningNode } from './compose.js';
export type { NodeParts } from './compose/ground.js';
export { configSpec } from './config.js';
export type { PoolManagerdConfig } from './config.js';
export { runPoolManagerd } from './run.js';
export type { RunOptions } from './run.js';
export { stageFile } from './staging/stage-file.js';
