#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { addCompletion } from './completion.js';
import { colorsFor, processContext, textOut } from './process-context.js';
import { runCli } from './run-cli.js';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
const err = textOut(process.stderr);

process.exitCode = await runCli({
  version,
  argv: process.argv.slice(2),
  context: () => processContext(process.env),
  out: textOut(process.stdout),
  err,
  errColors: colorsFor(err, process.env),
  complete: addCompletion,
});
