import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { BindingRegistry, type RequestPin } from './binding-registry.js';
import type { BindingEntry } from './bindings-of.js';

const entry = (id: string, fingerprint: string): BindingEntry => ({ id, kind: 'route', fingerprint, provider: 'manifest', handler: 'm' });

/** Serves these from now on, as a reload does. */
function serve(registry: BindingRegistry, entries: readonly BindingEntry[]): () => void {
  const plan = registry.plan(entries);
  const unregister = registry.register(plan, entries);
  const deactivate = registry.activate(plan);
  return () => {
    deactivate();
    unregister();
  };
}

const shown = (registry: BindingRegistry) => registry.statuses().map(({ id, version, state, inFlight }) => `${id}@${version} ${state} ${inFlight}`);

describe('binding versions', () => {
  test('F-05 F-16 a request counts on the version that accepted it, and a version whose place was taken ends with its last one', () => {
    const registry = new BindingRegistry([]);
    serve(registry, [entry('route:a', 'x'), entry('route:b', 'x')]);
    const pin = registry.accept(['route:a', 'route:unknown']);
    serve(registry, [entry('route:a', 'y')]);
    expect(shown(registry)).toEqual(['route:a@1 draining 1', 'route:a@2 active 0', 'route:b@1 terminated 0']);
    pin.dispatched();
    pin.dispatched();
    pin.ended(true);
    pin.ended(false);
    expect(registry.statuses()[0]).toMatchObject({ version: 1, state: 'terminated', received: 1, dispatched: 1, failed: 1, inFlight: 0 });
    expect(registry.accept(['route:b'])).toBe(registry.accept(['route:unknown']));
  });

  test('F-16 of the terminated versions the two newest are kept, and a definition that is known has its version again', () => {
    const registry = new BindingRegistry([]);
    for (const fingerprint of ['1', '2', '3', '4', '5']) serve(registry, [entry('route:a', fingerprint)]);
    expect(shown(registry)).toEqual(['route:a@3 terminated 0', 'route:a@4 terminated 0', 'route:a@5 active 0']);
    serve(registry, [entry('route:a', '3')]);
    serve(registry, [entry('route:a', '1')]);
    expect(shown(registry)).toEqual(['route:a@4 terminated 0', 'route:a@5 terminated 0', 'route:a@6 active 0']);
  });

  test('F-04 taken back, everything is as it was, and what was accepted meanwhile ends where it was accepted', () => {
    const registry = new BindingRegistry([]);
    serve(registry, [entry('route:a', 'x'), entry('route:gone', 'x')]);
    const before = registry.statuses();
    serve(registry, [entry('route:a', 'y'), entry('route:new', 'x')])();
    expect(registry.statuses()).toEqual(before);
    const undo = serve(registry, [entry('route:a', 'z')]);
    const pin = registry.accept(['route:a']);
    undo();
    expect(shown(registry)).toEqual(['route:a@1 active 0', 'route:a@2 draining 1', 'route:gone@1 active 0']);
    pin.ended(false);
    expect(shown(registry)[1]).toBe('route:a@2 terminated 0');
  });

  test('F-35 what is read back from its rows goes on with the versions that it had', () => {
    const registry = new BindingRegistry([]);
    serve(registry, [entry('route:a', 'x')]);
    serve(registry, [entry('route:a', 'y')]);
    const again = new BindingRegistry(registry.rows());
    serve(again, [entry('route:a', 'y'), entry('route:b', 'x')]);
    expect(shown(again)).toEqual(['route:a@1 terminated 0', 'route:a@2 active 0', 'route:b@1 active 0']);
  });
});

const IDS = ['route:a', 'route:b'];
const operation = fc.oneof(
  fc.record({ type: fc.constant('serve' as const), entries: fc.uniqueArray(fc.record({ id: fc.constantFrom(...IDS), fingerprint: fc.constantFrom('w', 'x', 'y', 'z') }), { selector: ({ id }) => id }), isTakenBack: fc.boolean() }),
  fc.record({ type: fc.constant('accept' as const), id: fc.constantFrom(...IDS) }),
  fc.record({ type: fc.constant('end' as const), n: fc.nat(20), isFailed: fc.boolean() }),
);

test('F-05 F-16 whatever is reloaded, taken back, accepted and ended: at most one version of an id is active, none counts below zero, and terminated ones have nothing under way', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
      const registry = new BindingRegistry([]);
      const pins: RequestPin[] = [];
      for (const one of operations) {
        if (one.type === 'serve') {
          const undo = serve(registry, one.entries.map(({ id, fingerprint }) => entry(id, fingerprint)));
          if (one.isTakenBack) undo();
        } else if (one.type === 'accept') pins.push(registry.accept([one.id]));
        else pins[one.n]?.ended(one.isFailed);
        const statuses = registry.statuses();
        for (const id of IDS) {
          const same = statuses.filter((status) => status.id === id);
          expect(same.filter(({ state }) => state === 'active').length).toBeLessThanOrEqual(1);
          expect(same.filter(({ state }) => state === 'terminated').length).toBeLessThanOrEqual(2);
          expect(new Set(same.map(({ version }) => version)).size).toBe(same.length);
        }
        for (const { state, inFlight, received } of statuses) {
          expect(inFlight).toBeGreaterThanOrEqual(0);
          expect(inFlight).toBeLessThanOrEqual(received);
          if (state === 'terminated') expect(inFlight).toBe(0);
          if (state === 'draining') expect(inFlight).toBeGreaterThan(0);
        }
      }
      for (const pin of pins) pin.ended(false);
      expect(registry.statuses().every(({ state, inFlight }) => inFlight === 0 && state !== 'draining')).toBe(true);
    }),
    { numRuns: 200 },
  );
});
