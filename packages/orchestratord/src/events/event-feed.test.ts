import { expect, test } from '@jest/globals';
import { aCommand } from '../../test/fixtures.js';
import { EventFeed } from './event-feed.js';

test('E-40 the newest entries are kept, with ids that grow over restarts, and whoever listens gets what comes', () => {
  const feed = new EventFeed(2, 3);
  const heard: number[] = [];
  const end = feed.onEntry(({ id }) => void heard.push(id));
  const events = [1, 2, 3, 4].map((generation) => aCommand({ generation }));
  for (const event of events) feed.put(event);
  end();
  feed.put(events[0] as never);
  expect(heard).toEqual([2_001, 2_002, 2_003, 2_004]);
  expect(feed.after(2_003)).toEqual([{ id: 2_004, event: events[3] }, { id: 2_005, event: events[0] }]);
  expect([feed.after(0).map(({ id }) => id), feed.after(2_005)]).toEqual([[2_003, 2_004, 2_005], []]);
  expect(new EventFeed(3).after(0)).toEqual([]);
});
