#!/usr/bin/env node
import { createLlamacppEngine } from '@corral/engine';
import { runPoolManagerd } from './run.js';

process.exitCode = await runPoolManagerd({ argv: process.argv.slice(2), env: process.env, engine: createLlamacppEngine });
