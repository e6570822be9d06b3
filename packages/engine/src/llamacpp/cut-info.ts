import type { GgufFileInfo } from 'node-llama-cpp';

/** Longer lists of a file's metadata, such as its vocabulary, are only asked for their length. */
const LIST_MAX = 256;

/** What the parser gave, without the vocabulary and what is in it twice. */
export function cutInfo(file: GgufFileInfo): GgufFileInfo {
  const { architectureMetadata: _same, tensorInfo: _again, source: _path, sourceData: _bytes, ...rest } = file;
  return { ...rest, metadata: cut(file.metadata) } as unknown as GgufFileInfo;
}

/** The reverse, for a file at a path. */
export function completeInfo(info: GgufFileInfo, path: string): GgufFileInfo {
  const { metadata } = info;
  const architecture: unknown = (metadata as unknown as Record<string, unknown>)[metadata.general.architecture];
  return { ...info, architectureMetadata: architecture ?? {}, tensorInfo: info.fullTensorInfo, source: { type: 'path', path }, sourceData: [] } as unknown as GgufFileInfo;
}

function cut(value: unknown): unknown {
  if (Array.isArray(value)) return value.length > LIST_MAX ? { length: value.length } : value.map(cut);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, cut(each)]));
}
