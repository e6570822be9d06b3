import { parseArgs } from 'node:util';
import type { FlagValue } from './load-config.js';

export interface FlagSpec {
  readonly pointer: string;
  readonly help: string;
  /** What the value is, such as `FILE`; left out for a switch. */
  readonly value?: string;
}

export interface DaemonProgram {
  readonly name: string;
  readonly version: string;
  readonly summary: string;
  /** Flag with its dashes → setting. */
  readonly flags: Readonly<Record<`--${string}`, FlagSpec>>;
}

/** What the command line asks for. `wrong_use` exits with 2. */
export type DaemonArgs =
  | { readonly kind: 'run'; readonly configPath: string | undefined; readonly checkOnly: boolean; readonly flags: readonly FlagValue[] }
  | { readonly kind: 'help' | 'version'; readonly text: string }
  | { readonly kind: 'wrong_use'; readonly text: string };

const COMMON: Readonly<Record<string, Omit<FlagSpec, 'pointer'>>> = {
  '--config': { value: 'FILE', help: 'settings as YAML or JSON; flags and environment win over it' },
  '--check': { help: 'validate the configuration, then exit' },
  '--version': { help: 'print the version, then exit' },
  '--help': { help: 'print this, then exit' },
};

/** Reads the arguments of a daemon (without node and script). Switches also take `--no-<name>`. */
export function parseDaemonArgs(argv: readonly string[], program: DaemonProgram): DaemonArgs {
  const all: Readonly<Record<string, Omit<FlagSpec, 'pointer'>>> = { ...program.flags, ...COMMON };
  const options = Object.fromEntries(
    Object.entries(all).map(([flag, spec]) => [
      flag.slice(2),
      { type: spec.value === undefined ? ('boolean' as const) : ('string' as const) },
    ]),
  );
  let values: Record<string, string | boolean | undefined>;
  try {
    values = parseArgs({ args: [...argv], options, strict: true, allowNegative: true, allowPositionals: false }).values;
  } catch (error) {
    return { kind: 'wrong_use', text: `${program.name}: ${firstSentence((error as Error).message)}; see ${program.name} --help` };
  }
  if (values['help'] === true) return { kind: 'help', text: helpText(program, all) };
  if (values['version'] === true) return { kind: 'version', text: program.version };
  const flags = Object.entries(program.flags).flatMap(([flag, { pointer }]) => {
    const value = values[flag.slice(2)];
    return value === undefined ? [] : [{ flag, pointer, text: String(value) }];
  });
  return { kind: 'run', configPath: values['config'] as string | undefined, checkOnly: values['check'] === true, flags };
}

function helpText(program: DaemonProgram, all: Readonly<Record<string, Omit<FlagSpec, 'pointer'>>>): string {
  const left = Object.entries(all).map(([flag, { value }]) => (value === undefined ? flag : `${flag} ${value}`));
  const width = Math.max(...left.map((text) => text.length));
  const lines = Object.values(all).map(({ help }, n) => `  ${left[n]?.padEnd(width)}  ${help}`);
  return [`${program.name} ${program.version}: ${program.summary}`, '', `usage: ${program.name} [options]`, '', ...lines].join('\n');
}

function firstSentence(message: string): string {
  return message.split('. ')[0]?.replace(/\.$/, '') ?? message;
}
