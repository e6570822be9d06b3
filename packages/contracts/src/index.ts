export * from './errors.js';
export * from './frames.js';
export * from './generate.js';
export * from './metrics.js';
export * from './scalars.js';
export * from './validate.js';
