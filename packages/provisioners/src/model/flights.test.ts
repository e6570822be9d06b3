import { expect, test } from '@jest/globals';
import { Flights } from './flights.js';

/** A piece of work that ends when the test says so, or when it is aborted. */
function aFlight(flights: Flights<string, number>, keys: readonly string[]) {
  const progress: { report: (value: number) => void } = { report: () => undefined };
  let finish: (result: string) => void = () => undefined;
  let aborted: unknown = null;
  const flight = flights.start('label', keys, ({ signal, onProgress }) => {
    progress.report = onProgress;
    return new Promise((resolve, reject) => {
      finish = resolve;
      signal.addEventListener('abort', () => {
        aborted = signal.reason;
        reject(signal.reason as Error);
      });
    });
  });
  return { flight, progress, finish: (result: string) => finish(result), aborted: () => aborted };
}

test('D-24 a flight is found by each of its keys until it ends', async () => {
  const flights = new Flights<string, number>(2);
  const { flight, finish } = aFlight(flights, ['a', 'b']);
  expect([flights.find(['b']), flights.find(['x', 'a']), flights.find(['x'])]).toEqual([flight, flight, null]);
  const joined = flight.join(undefined, undefined);
  await Promise.resolve();
  finish('done');
  expect(await joined).toBe('done');
  expect(flights.find(['a', 'b'])).toBeNull();
});

test('D-24 every listener hears progress, a late one the last that there was, and none after it left', async () => {
  const flights = new Flights<string, number>(2);
  const { flight, progress, finish } = aFlight(flights, ['a']);
  const heard: string[] = [];
  const leaving = new AbortController();
  const first = flight.join(leaving.signal, (value) => heard.push(`first ${value}`));
  await Promise.resolve();
  progress.report(1);
  const second = flight.join(undefined, (value) => heard.push(`second ${value}`));
  leaving.abort(new Error('bye'));
  await expect(first).rejects.toThrow('bye');
  progress.report(2);
  finish('done');
  expect([await second, heard]).toEqual(['done', ['first 1', 'second 1', 'second 2']]);
});

test('D-24 the work is aborted when the last one leaves, not before', async () => {
  const flights = new Flights<string, number>(2);
  const { flight, aborted } = aFlight(flights, ['a']);
  const [one, two] = [new AbortController(), new AbortController()];
  const joined = [one, two].map(({ signal }) => flight.join(signal, undefined));
  await Promise.resolve();
  one.abort(new Error('one'));
  await expect(joined[0]).rejects.toThrow('one');
  expect([aborted(), flight.isAbandoned]).toEqual([null, false]);
  two.abort(new Error('two'));
  await expect(joined[1]).rejects.toThrow('two');
  expect([aborted(), flight.isAbandoned, flights.find(['a'])]).toEqual([expect.any(Error), true, null]);
});

test('D-24 the number of flights is bounded, each counted once', async () => {
  const flights = new Flights<string, number>(2);
  aFlight(flights, ['a', 'b', 'c']);
  expect(flights.isFull).toBe(false);
  aFlight(flights, ['d']);
  expect(flights.isFull).toBe(true);
  await Promise.resolve();
  await flights.close(new Error('stop'));
  expect([flights.isFull, flights.find(['a'])]).toEqual([false, null]);
});
