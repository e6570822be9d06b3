import { parseDigest } from './digest.js';
import type { Digest } from './digest.js';
import { engineIdProblem } from './engine-entry.js';
import type { EngineArtifact, EngineEntry, EngineGain, ExternalServer } from './engine-entry.js';
import type { FieldReader } from './field-reader.js';
import { decodeDocument } from './index-document.js';
import type { DecodedDocument } from './index-document.js';
import { DEVICE_KINDS } from './model-facts.js';
import type { DeviceKind } from './model-facts.js';

/** Version of the layout of `engines.json`, which is its own. [D-11] */
export const ENGINE_INDEX_SCHEMA_VERSION = 1;

/** An index file of these entries, each given as `encodeEngine` wrote it. */
export function encodeEngineIndex(entries: readonly string[]): string {
  return `{"schema_version":${ENGINE_INDEX_SCHEMA_VERSION},"engines":[\n${entries.join(',\n')}\n]}\n`;
}

/** One entry as it is written in the index. Folders inside `root`, the engines directory, are written relative to it. */
export function encodeEngine(entry: EngineEntry, root: string): string {
  const isInside = entry.mode !== 'external' && !entry.inPlace;
  return JSON.stringify({
    id: entry.id,
    engine: entry.engine,
    version: entry.version,
    build_ref: entry.buildRef,
    digest: entry.digest,
    build_flags: entry.buildFlags,
    artifacts: entry.artifacts.map(({ path, sizeBytes, digest }) => ({ path, size_bytes: sizeBytes, digest })),
    created_ms: entry.createdMs,
    mode: entry.mode,
    location: isInside ? entry.location.slice(root.length + 1) : entry.location,
    in_place: entry.inPlace,
    device_kinds: entry.deviceKinds,
    chosen_for: entry.chosenFor,
    gain: entry.gain === null ? null : { against: entry.gain.against, prefill: entry.gain.prefill, decode: entry.gain.decode, threads: entry.gain.threads, measured_ms: entry.gain.measuredMs },
    verification: entry.verification,
    last_verified_ms: entry.lastVerifiedMs,
    state: entry.state,
    retired_at_ms: entry.retiredAtMs,
    pinned: entry.pinned,
    last_used_ms: entry.lastUsedMs,
    ...(entry.external !== undefined && { external: encodeServer(entry.external) }),
  });
}

/** Reads an index of engines. Never throws; the first problems of a malformed one are in its reason. [D-11] */
export function decodeEngineIndex(text: string, root: string): DecodedDocument<EngineEntry> {
  return decodeDocument(text, { version: ENGINE_INDEX_SCHEMA_VERSION, list: 'engines', noun: 'engines', decodeEntry: (fields) => decodeEngine(fields, root) });
}

function decodeEngine(fields: FieldReader, root: string): EngineEntry {
  const verification = fields.child('verification');
  const mode = fields.oneOf('mode', ['package', 'source', 'external'], 'package');
  const inPlace = fields.flag('in_place');
  return {
    id: idOf(fields),
    engine: fields.text('engine'),
    version: fields.text('version'),
    buildRef: fields.textOrNull('build_ref'),
    digest: fields.raw('digest') === null ? null : digestOf(fields, 'digest'),
    buildFlags: fields.texts('build_flags'),
    artifacts: fields.children('artifacts').map(artifactOf),
    createdMs: fields.number('created_ms'),
    mode,
    location: locationOf(fields, mode !== 'external' && !inPlace ? root : null),
    inPlace,
    deviceKinds: kindsOf(fields, 'device_kinds'),
    chosenFor: kindsOf(fields, 'chosen_for'),
    gain: fields.raw('gain') === null ? null : gainOf(fields.child('gain')),
    verification: { result: verification.oneOf('result', ['pass', 'warn', 'fail'], 'fail'), reason: verification.text('reason') },
    lastVerifiedMs: fields.number('last_verified_ms'),
    state: fields.oneOf('state', ['Active', 'Retired'], 'Retired'),
    retiredAtMs: fields.numberOrNull('retired_at_ms'),
    pinned: fields.flag('pinned'),
    lastUsedMs: fields.numberOrNull('last_used_ms'),
    ...(fields.raw('external') !== undefined && { external: serverOf(fields.child('external')) }),
  };
}

function encodeServer({ modelId, digest, modelPath, slots, contextTokens, capabilities }: ExternalServer): object {
  return { model_id: modelId, digest, model_path: modelPath, slots, context: contextTokens, capabilities };
}

function serverOf(fields: FieldReader): ExternalServer {
  return {
    modelId: fields.text('model_id'),
    digest: digestOf(fields, 'digest'),
    modelPath: fields.textOrNull('model_path'),
    slots: fields.number('slots'),
    contextTokens: fields.number('context'),
    capabilities: fields.texts('capabilities'),
  };
}

function idOf(fields: FieldReader): string {
  const id = fields.text('id');
  const problem = engineIdProblem(id);
  if (problem !== null) fields.note('id', problem);
  return id;
}

function digestOf(fields: FieldReader, name: string): Digest {
  const parsed = parseDigest(fields.text(name));
  if (parsed.kind === 'digest') return parsed.digest;
  fields.note(name, parsed.message);
  return 'sha256:';
}

function artifactOf(fields: FieldReader): EngineArtifact {
  const path = fields.text('path');
  if (path.startsWith('/') || path.split('/').some((part) => part === '' || part === '.' || part === '..')) fields.note('path', 'is not a plain relative path');
  return { path, sizeBytes: fields.number('size_bytes'), digest: digestOf(fields, 'digest') };
}

function gainOf(fields: FieldReader): EngineGain {
  return { against: fields.text('against'), prefill: fields.number('prefill'), decode: fields.number('decode'), threads: fields.number('threads'), measuredMs: fields.number('measured_ms') };
}

/** `root` null: the text is a URL or a path of its own. */
function locationOf(fields: FieldReader, root: string | null): string {
  const location = fields.text('location');
  if (root === null) return location;
  if (location === '' || location.startsWith('/') || location.split('/').includes('..')) fields.note('location', 'is not relative to the engines directory');
  return `${root}/${location}`;
}

function kindsOf(fields: FieldReader, name: string): readonly DeviceKind[] {
  const texts = fields.texts(name);
  const kinds = DEVICE_KINDS.filter((kind) => texts.includes(kind));
  if (kinds.length !== texts.length) fields.note(name, 'names something that is no kind of device');
  return kinds;
}
