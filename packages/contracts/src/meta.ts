import { Type, type Static } from '@sinclair/typebox';
import { Role } from './access.js';
import { Count, Id, Nullable } from './scalars.js';

export const Health = Type.Object({ status: Type.Literal('ok'), version: Type.String(), incarnation: Type.String() });
export const Ready = Type.Object({ ready: Type.Boolean(), reason: Nullable(Type.String()) });
export const VersionInfo = Type.Object({ api_version: Type.String(), build_commit: Nullable(Type.String()), build_time: Nullable(Type.String()) });

/** What live pools can do. [B-88] */
export const Capabilities = Type.Object({
  api_version: Type.String(),
  engines: Type.Array(
    Type.Object({
      engine: Type.String(),
      engine_version: Type.String(),
      ctx_max: Nullable(Count),
      max_tokens_out: Nullable(Count),
      slots: Count,
      supported_workloads: Type.Array(Type.String()),
      batching: Type.Boolean(),
      features: Type.Array(Type.String()),
    }),
  ),
});

/** Who the server takes the caller for. */
export const CallerInfo = Type.Object({ org_id: Id, role: Role, key_id: Nullable(Id) });
export type CallerInfo = Static<typeof CallerInfo>;
