import type { CatalogModel, ModelPatch } from '@corral/contracts';
import type { ApiFailure } from '../api/api-failure.js';
import { digestIn, linesIn, tagsIn } from './registration.js';

export type EditField = 'tags' | 'sources' | 'digest' | 'context' | 'slots';

/** What was typed; a field that nobody touched is absent, and follows the model. */
export type ModelEdit = Partial<Readonly<Record<EditField, string>>>;

export type EditOutcome = { readonly kind: 'patch'; readonly patch: ModelPatch } | { readonly kind: 'same' } | { readonly kind: 'wrong'; readonly field: EditField; readonly message: string };

const FIELDS: readonly EditField[] = ['tags', 'sources', 'digest', 'context', 'slots'];

/** What may be changed here: the definition of the manifest and of the built-in model is changed there. [U-33] */
export function editFields({ origin }: CatalogModel): readonly EditField[] {
  return origin === 'manifest' || origin === 'starter' ? ['tags'] : FIELDS;
}

/** A field of the model as it is typed. */
export function editText({ tags, sources, digest, context, slots }: CatalogModel, field: EditField): string {
  return { tags: tags.join(', '), sources: sources.join('\n'), digest: digest ?? '', context: String(context), slots: String(slots) }[field];
}

/** What a save sends: the fields that were touched and differ, so that nobody else's change is taken back with them. [U-33] */
export function editOutcome(model: CatalogModel, edit: ModelEdit): EditOutcome {
  const touched = editFields(model).filter((field) => edit[field] !== undefined && edit[field].trim() !== editText(model, field));
  const wrong = touched.find((field) => (field === 'context' || field === 'slots') && !/^\d{1,9}$/.test((edit[field] ?? '').trim()));
  if (wrong !== undefined) return { kind: 'wrong', field: wrong, message: 'Enter a whole number.' };
  return touched.length === 0 ? { kind: 'same' } : { kind: 'patch', patch: Object.fromEntries(touched.map((field) => [field, sent(field, edit[field] ?? '')])) };
}

/** The field that a refusal is about; null where it is about the whole. */
export function editFieldOf({ field }: ApiFailure): EditField | null {
  return FIELDS.find((known) => known === field?.split('.')[0]) ?? null;
}

function sent(field: EditField, text: string): unknown {
  if (field === 'tags') return tagsIn(text);
  if (field === 'sources') return linesIn(text);
  return field === 'digest' ? digestIn(text) : Number(text.trim());
}
