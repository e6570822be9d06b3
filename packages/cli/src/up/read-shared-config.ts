import { ConfigError, readSource } from '@corral/service-kit';
import { CliFailure } from '../cli-failure.js';
import { EXIT } from '../exit-code.js';

export type Section = Readonly<Record<string, unknown>>;

/** The settings of both daemons in one file; a section that is left out is empty. */
export interface SharedConfig {
  readonly orchestratord: Section;
  readonly poolManagerd: Section;
}

const SECTIONS = ['orchestratord', 'pool_managerd'];
const EMPTY: SharedConfig = { orchestratord: {}, poolManagerd: {} };

/** Reads what `corral up` itself needs of `--config`; the daemons check their sections. Wrong use names file and line. [P-04] */
export async function readSharedConfig(path: string | undefined): Promise<SharedConfig> {
  if (path === undefined) return EMPTY;
  const source = await readSource(path).catch((error: unknown) => {
    throw error instanceof ConfigError ? wrongFile(error.problems.map(({ origin, message }) => `${origin}: ${message}`).join('; ')) : error;
  });
  const value = source.value ?? {};
  if (!isSection(value)) throw wrongFile(`${path}: must hold the sections ${SECTIONS.join(': and ')}:`);
  const stranger = Object.keys(value).find((key) => !SECTIONS.includes(key));
  if (stranger !== undefined)
    throw wrongFile(`${path} line ${source.lineOf([stranger])}: ${stranger} is no section; there are ${SECTIONS.join(': and ')}:`);
  return { orchestratord: sectionIn(value['orchestratord']), poolManagerd: sectionIn(value['pool_managerd']) };
}

function sectionIn(value: unknown): Section {
  return isSection(value) ? value : {};
}

function isSection(value: unknown): value is Section {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrongFile(message: string): CliFailure {
  return new CliFailure(message, { next: 'correct the file that --config names and start again', exitCode: EXIT.wrongUse });
}
