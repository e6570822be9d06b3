#!/usr/bin/env node
import { runOrchestratord } from './run.js';

process.exitCode = await runOrchestratord({ argv: process.argv.slice(2), env: process.env });
