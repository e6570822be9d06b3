import type { ModelRegister } from '@corral/contracts';
import type { ApiFailure } from '../api/api-failure.js';

/** The fields of the form that registers a model, as they were typed. */
export interface RegistrationText {
  readonly id: string;
  /** One source a line. */
  readonly sources: string;
  readonly digest: string;
  /** Separated by commas or spaces. */
  readonly tags: string;
}

export type RegistrationField = keyof RegistrationText;

export const NO_REGISTRATION: RegistrationText = { id: '', sources: '', digest: '', tags: '' };

const FIELDS: Readonly<Record<string, RegistrationField>> = { id: 'id', sources: 'sources', source_url: 'sources', ref: 'sources', digest: 'digest', tags: 'tags' };

/** What is sent: empty fields are left out. [U-27] */
export function registrationOf(text: RegistrationText): ModelRegister {
  const [sources, tags, digest] = [linesIn(text.sources), tagsIn(text.tags), digestIn(text.digest)];
  return {
    id: text.id.trim(),
    ...(sources.length === 0 ? {} : { sources }),
    ...(digest === null ? {} : { digest }),
    ...(tags.length === 0 ? {} : { tags }),
  };
}

/** What stands on each line, without empty ones. */
export function linesIn(text: string): string[] {
  return text.split('\n').map((line) => line.trim()).filter((line) => line !== '');
}

/** Words that commas or spaces separate, each once. */
export function tagsIn(text: string): string[] {
  return [...new Set(text.split(/[\s,]+/).filter((tag) => tag !== ''))];
}

/** A digest as the server wants it, whether or not it was typed with its algorithm; null where none was. */
export function digestIn(text: string): string | null {
  const digest = text.trim();
  if (digest === '') return null;
  return digest.includes(':') ? digest : `sha256:${digest}`;
}

/** The field that a refusal is about; null where it is about the whole. [U-27] */
export function fieldOf({ field }: ApiFailure): RegistrationField | null {
  return FIELDS[field?.split('.')[0] ?? ''] ?? null;
}
