import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { planReload, type KnownVersion } from './plan-reload.js';
import type { BindingDefinition } from './binding.js';

const manifest = fc.uniqueArray(fc.record({ id: fc.constantFrom('route:a', 'route:b', 'model:c', 'pool:d'), fingerprint: fc.constantFrom('w', 'x', 'y', 'z') }), { selector: ({ id }) => id });

test('F-16 F-17 over any line of manifests: every id is in one list, a version means one definition, a new one is above all before', () => {
  fc.assert(
    fc.property(fc.array(manifest, { maxLength: 20 }), (manifests) => {
      let current: KnownVersion[] = [];
      const known: KnownVersion[] = [];
      for (const one of manifests) {
        const next = one.map(({ id, fingerprint }): BindingDefinition => ({ id, kind: 'route', fingerprint }));
        const plan = planReload({ current, next, known });
        const listed = [...plan.added, ...plan.modified].map(({ id }) => id);
        const all = [...listed, ...plan.removed, ...plan.unchanged].sort();
        expect(all).toEqual([...new Set([...current.map(({ id }) => id), ...next.map(({ id }) => id)])].sort());
        for (const { id, version, fingerprint } of [...plan.added, ...plan.modified]) {
          const before = known.filter((other) => other.id === id);
          const again = before.find((other) => other.fingerprint === fingerprint);
          expect(version).toBe(again?.version ?? Math.max(0, ...before.map((other) => other.version)) + 1);
          if (again === undefined) known.push({ id, version, fingerprint });
        }
        current = [...current.filter(({ id }) => plan.unchanged.includes(id)), ...plan.added, ...plan.modified];
      }
    }),
  );
});
