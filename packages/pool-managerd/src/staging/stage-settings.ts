import { Size } from '@corral/service-kit';
import { Type, type Static } from '@sinclair/typebox';

/** Settings of the staging area. [C-70 C-78] */
export const stageSettings = Type.Object(
  {
    dir: Type.String({ default: '', description: 'Where the staging area is made; empty = the shared memory of the system, without one `<state dir>/cache/staging`.' }),
    max_bytes: Type.Union([Size(), Type.Null()], { default: null, description: 'Bytes that may be staged; without it, 25 % of the RAM; 0 = nothing is staged.' }),
    free_ram_bytes: Type.Union([Size(), Type.Null()], { default: null, description: 'RAM that staging leaves free; without it, 10 % of the RAM.' }),
    settle_ms: Type.Integer({ minimum: 0, default: 2_000, description: 'From the end of a load to the copy for the next one, so that its first answers have the cores.' }),
    retry_initial_ms: Type.Integer({ minimum: 0, default: 1_000, description: 'Wait after a copy that failed; it doubles.' }),
    retry_max_ms: Type.Integer({ minimum: 0, default: 60_000, description: 'Longest wait between two tries.' }),
  },
  { additionalProperties: false },
);

export type StageSettings = Readonly<Static<typeof stageSettings>>;
