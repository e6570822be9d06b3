/** What anything that was thrown says. The service kit has the same; a worker does without the kit, since every load waits for its start. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
