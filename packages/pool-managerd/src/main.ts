#!/usr/bin/env node
import { createLlamacppEngine } from '@corral/engine';
import { runPoolManagerd } from './run.js';

// Everything is closed by now; the channel to a parent would keep the process alive for ever.
process.exit(await runPoolManagerd({ argv: process.argv.slice(2), env: process.env, engine: createLlamacppEngine }));
