/** A day: the server takes no longer deadline. */
const MAX_S = 86_400;

/** A deadline in milliseconds from what was typed in seconds; null where nothing was, undefined where it is no deadline. [U-22] */
export function deadlineOf(text: string): number | null | undefined {
  const trimmed = text.trim();
  if (trimmed === '') return null;
  const seconds = /^\d{1,5}$/.test(trimmed) ? Number(trimmed) : NaN;
  return seconds <= MAX_S ? seconds * 1_000 : undefined;
}
