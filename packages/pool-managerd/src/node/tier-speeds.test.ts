import { describe, expect, test } from '@jest/globals';
import { TierSpeeds } from './tier-speeds.js';

describe('TierSpeeds', () => {
  test('C-226 each load counts for the place that its weights came from; one that failed counts for none', () => {
    const speeds = new TierSpeeds();
    speeds.loading('a', 'staged');
    speeds.loading('b', 'on_disk');
    speeds.loading('c', 'staged');
    speeds.loaded('a', 4_000, 1_000);
    speeds.loaded('b', 500, 1_000);
    speeds.loaded('c', 9_000, null);
    speeds.loaded('unknown', 9_000, 1_000);
    expect(speeds.bandwidth()).toEqual({ staged: 4_000, on_disk: 500, network: null });
  });

  test('C-226 a copy counts with the load that follows it, since the weights are not in use before', () => {
    const speeds = new TierSpeeds();
    speeds.copied(1_000, 1_000);
    expect(speeds.bandwidth()).toEqual({ staged: null, on_disk: 1_000, network: null });
    const known = new TierSpeeds();
    known.loading('a', 'staged');
    known.loaded('a', 1_000, 1_000);
    known.copied(1_000, 1_000);
    known.fetched(300, 1_000);
    expect(known.bandwidth()).toEqual({ staged: 1_000, on_disk: 500, network: 300 });
  });
});
