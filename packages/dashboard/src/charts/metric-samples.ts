/** One line of an exposition. */
export interface MetricSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', '"': '"', '\\': '\\' };

/** The samples of one series in a Prometheus text; none where it has none. Lines that are no samples are passed over. */
export function metricSamples(text: string, name: string): readonly MetricSample[] {
  return text.split('\n').flatMap((line) => {
    const next = line.charAt(name.length);
    if (!line.startsWith(name) || (next !== ' ' && next !== '{')) return [];
    const end = next === '{' ? line.lastIndexOf('}') : name.length - 1;
    const value = Number(line.slice(end + 1).trim().split(' ')[0]);
    return end < 0 || Number.isNaN(value) ? [] : [{ labels: labelsOf(line.slice(name.length, end + 1)), value }];
  });
}

export function sumOf(samples: readonly MetricSample[]): number {
  return samples.reduce((sum, { value }) => sum + value, 0);
}

function labelsOf(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(LABEL)].map(([, label = '', value = '']) => [label, value.replaceAll(/\\(.)/g, (_all, char: string) => ESCAPES[char] ?? char)]));
}
