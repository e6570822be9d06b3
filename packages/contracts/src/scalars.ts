import { Type, type Static, type TProperties, type TSchema } from '@sinclair/typebox';

/** An id that a path segment can carry unescaped. */
export const Id = Type.String({ minLength: 1, maxLength: 128, pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$' });
/** An id of a model: may contain `/` and `:`; percent-encoded in paths. [B-95] */
export const ModelId = Type.String({ minLength: 1, maxLength: 256, pattern: '^[A-Za-z0-9][A-Za-z0-9._:/@+=-]*$' });
export const Digest = Type.String({ pattern: '^sha256:[0-9a-f]{64}$', description: '`sha256:<hex>` of the file.' });
export const CorrelationId = Type.String({ minLength: 1, maxLength: 128, pattern: '^[A-Za-z0-9._:-]+$' });
export const Bytes = Type.Integer({ minimum: 0, description: 'Bytes.' });
export const Ms = Type.Integer({ minimum: 0, description: 'Milliseconds.' });
export const Count = Type.Integer({ minimum: 0 });
export const Seed = Type.Integer({ minimum: 0, maximum: 4_294_967_295 });
/** RFC 3339, UTC. */
export const Timestamp = Type.String({ format: 'date-time' });

export const Priority = Type.Union([Type.Literal('interactive'), Type.Literal('batch')]);
export type Priority = Static<typeof Priority>;
export const Tier = Type.Union([Type.Literal('hot'), Type.Literal('warm'), Type.Literal('cold'), Type.Literal('demand')]);
export type Tier = Static<typeof Tier>;
/** Where an instance really is; `tier` is where it is wished to be. [C-60] */
export const Residency = Type.Union([
  Type.Literal('absent'),
  Type.Literal('on_disk'),
  Type.Literal('staged'),
  Type.Literal('loading'),
  Type.Literal('resident'),
  Type.Literal('draining'),
  Type.Literal('failed'),
]);
export type Residency = Static<typeof Residency>;

export const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
/** An object that refuses keys it does not name. */
export const Strict = <T extends TProperties>(properties: T, options: { description?: string; $id?: string } = {}) =>
  Type.Object(properties, { ...options, additionalProperties: false });
