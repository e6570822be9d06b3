import { formatModelRef } from './model-ref.js';
import type { ModelRef } from './model-ref.js';

/** A model id with the file name that stands for it, or why it is none. */
export type ParsedModelId =
  { readonly kind: 'id'; readonly id: string; readonly segment: string } | { readonly kind: 'refused'; readonly message: string };

/** Longest file name that common file systems take is 255 bytes; the rest is room for a suffix. */
const MAX_SEGMENT_LENGTH = 240;

/**
 * Checks a model id and maps it to one file name: letters, digits, `_`, `-`, `.` stay, all else becomes `%XX`.
 *
 * Ids may hold `/` and `:`. The mapping loses nothing, never starts with a dot and never contains a slash, so a
 * segment cannot leave the directory it is put in. Parts named `..` are refused. [D-06]
 */
export function parseModelId(id: string): ParsedModelId {
  if (id === '' || id.trim() !== id)
    return refused(`model id ${JSON.stringify(id)} is empty or has spaces around it; give it a plain name like tiny-chat`);
  if (/\p{Cc}/u.test(id)) return refused(`model id ${JSON.stringify(id)} holds control characters; remove them`);
  if (id.split(/[/\\]/).some((part) => part === '..' || part === '.')) {
    return refused(`model id "${id}" has "." or ".." as a part of its path; give it a plain name like tiny-chat`);
  }
  let segment: string;
  try {
    segment = encodeURIComponent(id)
      .replace(/[!'()*~]/g, percent)
      .replace(/^\./, '%2E');
  } catch {
    return refused(`model id ${JSON.stringify(id)} is not valid Unicode; give it a plain name like tiny-chat`);
  }
  if (segment.length > MAX_SEGMENT_LENGTH) {
    return refused(
      `model id "${id.slice(0, 40)}…" is too long for a file name; give it a name of at most ${MAX_SEGMENT_LENGTH} characters`,
    );
  }
  return { kind: 'id', id, segment };
}

/** The id that a segment of `parseModelId` stands for, or `null` when it is none of its results. */
export function modelIdOfSegment(segment: string): string | null {
  try {
    const parsed = parseModelId(decodeURIComponent(segment));
    return parsed.kind === 'id' && parsed.segment === segment ? parsed.id : null;
  } catch {
    return null;
  }
}

/** The id of a model that was given none: its reference in canonical form, hence the same on every machine. [D-08] */
export function modelIdFromRef(ref: ModelRef): string {
  return formatModelRef(ref);
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

function refused(message: string): ParsedModelId {
  return { kind: 'refused', message };
}
