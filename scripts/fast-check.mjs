// What tests import as fast-check: the same, with a seed that each run shares, so that what passed passes again.
// PROPERTY_SEED=n tries other values.
import fc from '../node_modules/fast-check/lib/fast-check.js';

fc.configureGlobal({ seed: Number(process.env['PROPERTY_SEED'] ?? 20_261) });

export default fc;
