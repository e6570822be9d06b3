import { Type } from '@sinclair/typebox';
import { CatalogIntent, describeProblems, validator } from '@corral/contracts';
import type { TakenIntent } from './plan-intent.js';

const SCHEMA_VERSION = 1;

const Document = Type.Object({
  schema_version: Type.Literal(SCHEMA_VERSION),
  orchestrator_incarnation: Type.String(),
  catalog_version: Type.Integer({ minimum: 0 }),
  taken_at_ms: Type.Integer({ minimum: 0 }),
  models: Type.Array(CatalogIntent),
});
const check = validator(Document);

export type DecodedIntent = { readonly kind: 'intent'; readonly intent: TakenIntent } | { readonly kind: 'unreadable'; readonly reason: string };

/** The intent as the text of its file. */
export function encodeIntent({ orchestratorIncarnation, version, takenAtMs, models }: TakenIntent): string {
  const lines = [...models.values()].map((model) => JSON.stringify(model));
  const head = { schema_version: SCHEMA_VERSION, orchestrator_incarnation: orchestratorIncarnation, catalog_version: version, taken_at_ms: takenAtMs };
  return `${JSON.stringify(head).slice(0, -1)},"models":[\n${lines.join(',\n')}\n]}\n`;
}

/** A parsed file becomes an intent. Never throws. */
export function decodeIntent(value: unknown): DecodedIntent {
  const checked = check(value);
  if (!checked.ok) return { kind: 'unreadable', reason: describeProblems(checked.problems.slice(0, 3)) };
  const { orchestrator_incarnation, catalog_version, taken_at_ms, models } = checked.value;
  return {
    kind: 'intent',
    intent: { orchestratorIncarnation: orchestrator_incarnation, version: catalog_version, takenAtMs: taken_at_ms, models: new Map(models.map((model) => [model.model_id, model])) },
  };
}
