/**
 * The canonical name of a device as configuration writes it: `cuda:0`, `vulkan:1`, `metal:0`, `cpu`.
 *
 * A bare index and `GPU0` mean a CUDA device, as masks have always been written. Returns `null` for anything else. [C-24]
 */
export function parseDeviceName(text: string): string | null {
  const name = text.trim().toLowerCase();
  if (name === 'cpu') return 'cpu';
  const [, kind, index] = /^(?:(cuda|vulkan|metal):|gpu)?(\d{1,3})$/.exec(name) ?? [];
  return index === undefined ? null : `${kind ?? 'cuda'}:${Number(index)}`;
}
