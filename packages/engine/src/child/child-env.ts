import type { DeviceKind } from '@corral/contracts';

/** An environment as `process.env` has it. */
export type Environment = Readonly<Record<string, string | undefined>>;

const MASK_VARIABLES: Readonly<Partial<Record<DeviceKind, string>>> = { cuda: 'CUDA_VISIBLE_DEVICES', vulkan: 'GGML_VK_VISIBLE_DEVICES' };

/**
 * The environment of an engine process: the caller's, with exactly one device visible.
 *
 * On `cpu` the pool of libuv has one thread, so that successive decodes stay on one core; elsewhere
 * several sequences sample at once. `NODE_OPTIONS` is the parent's own affair. [C-23]
 */
export function childEnv(base: Environment, device: { readonly kind: DeviceKind; readonly mask: string }): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(base)) if (value !== undefined && name !== 'NODE_OPTIONS') env[name] = value;
  for (const variable of Object.values(MASK_VARIABLES)) env[variable] = '';
  const own = MASK_VARIABLES[device.kind];
  if (own !== undefined) env[own] = device.mask;
  if (device.kind === 'cpu') env['UV_THREADPOOL_SIZE'] = '1';
  return env;
}
