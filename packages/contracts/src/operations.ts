import { Type, type Static } from '@sinclair/typebox';
import { ErrorBody } from './error-body.js';
import { Id, Nullable, Timestamp } from './scalars.js';

const OperationState = Type.Union([Type.Literal('running'), Type.Literal('succeeded'), Type.Literal('failed')]);

/** Something that goes on after its call was answered. Kept in the memory of the daemon that does it. [B-104] */
export const Operation = Type.Object({
  operation_id: Id,
  kind: Type.String({ description: 'What is done, such as `pool_drain`.' }),
  subject: Type.Record(Type.String(), Type.String(), { description: 'What it is done to, such as `{"pool_id": "p1"}`.' }),
  state: OperationState,
  phase: Type.String({ description: 'What it does at this moment; the last step once it has ended.' }),
  progress: Nullable(Type.Number({ minimum: 0, maximum: 1, description: 'Share of the present phase that is done.' })),
  detail: Nullable(Type.String({ description: 'The phase in words.' })),
  result: Type.Unknown({ description: 'What came of it; null until it has succeeded, and where there is nothing to say. One that touches several places tells of each while it goes on, and where it failed.' }),
  error: Nullable(ErrorBody),
  created_at: Timestamp,
  ended_at: Nullable(Timestamp),
});
export type Operation = Static<typeof Operation>;

export const OperationList = Type.Object({ data: Type.Array(Operation, { description: 'Newest first.' }), next_cursor: Nullable(Type.String()) });
export type OperationList = Static<typeof OperationList>;
