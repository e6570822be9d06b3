import { InstanceConfig } from '@corral/contracts';
import { wrongUse } from '../cli-failure.js';

const KEYS = Object.keys(InstanceConfig.properties);
/** Keys whose value is text as it stands, whatever it looks like. */
const TEXTS = new Set(['system_prompt', 'stop']);

/** `key=value` pairs of a config. A number is a number where the key wants one; `null` takes the key away. */
export function configOf(pairs: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(pairs.map(pairOf));
}

function pairOf(pair: string): readonly [string, unknown] {
  const at = pair.indexOf('=');
  const key = at < 0 ? pair : pair.slice(0, at);
  if (at < 0 || !KEYS.includes(key)) throw wrongUse(`--set ${pair} sets no key of a config`, `write key=value; keys are ${KEYS.join(', ')}`);
  const value = pair.slice(at + 1);
  if (value === 'null') return [key, null];
  if (TEXTS.has(key)) return [key, value];
  const number = value.trim() === '' ? Number.NaN : Number(value);
  if (Number.isNaN(number)) throw wrongUse(`--set ${pair}: ${key} is a number`, `write for example ${key}=1, or ${key}=null to take it away`);
  return [key, number];
}
