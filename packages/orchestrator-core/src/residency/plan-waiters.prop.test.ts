import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { REFUSED_MS, simulate, type Simulation } from '../../test/residency-simulation.js';

const anyModel = fc.record({
  bytes: fc.integer({ min: 1, max: 10 }),
  clients: fc.integer({ min: 1, max: 4 }),
  thinkMs: fc.constantFrom(0, 0, 30),
  serviceMs: fc.constantFrom(20, 60, 150),
});

const anySimulation: fc.Arbitrary<Simulation> = fc.record({
  models: fc.array(anyModel, { minLength: 2, maxLength: 6 }),
  pools: fc.constantFrom([10], [10], [14], [10, 10], [10, 5]),
  quantumMs: fc.constantFrom(0, 100, 300),
  msPerByte: fc.constantFrom(1, 10),
  forMs: fc.constant(6_000),
});

/** Every other model has one turn first: it loads, serves its quantum, and its last request ends. */
function fairWaitMs({ models, quantumMs, msPerByte }: Simulation): number {
  const tickMs = 10;
  const slack = 4 * tickMs;
  return models.reduce((sum, { bytes, serviceMs }) => sum + quantumMs + serviceMs + bytes * msPerByte + slack, 0);
}

/** Two pools between which a large model could chase the cheaper one for ever while small ones take the other. */
const CHASE: Simulation = {
  models: [
    { bytes: 4, clients: 1, thinkMs: 0, serviceMs: 150 },
    { bytes: 9, clients: 1, thinkMs: 0, serviceMs: 60 },
    { bytes: 5, clients: 1, thinkMs: 0, serviceMs: 60 },
    { bytes: 2, clients: 1, thinkMs: 0, serviceMs: 20 },
    { bytes: 9, clients: 1, thinkMs: 0, serviceMs: 150 },
  ],
  pools: [10, 10],
  quantumMs: 0,
  msPerByte: 1,
  forMs: 6_000,
};

describe('planWaiters, properties', () => {
  test('C-264 nodes that now and then have no room delay a model, and starve none', () => {
    fc.assert(
      fc.property(anySimulation, fc.integer({ min: 2, max: 5 }), (simulation, refuseEvery) => {
        const { longestWaitMs, served } = simulate({ ...simulation, refuseEvery });
        // Each refusal costs its wait, and a turn that somebody else takes meanwhile.
        const fairMs = 2 * (fairWaitMs(simulation) + REFUSED_MS * simulation.models.length);
        expect({ tooLong: longestWaitMs.filter((waitMs) => waitMs > fairMs), never: served.filter((count) => count === 0).length }).toEqual({ tooLong: [], never: 0 });
      }),
      { numRuns: 100 },
    );
  });

  test('G-21 no model starves, none waits longer than a turn of all others, and no turn with work is cut short', () => {
    fc.assert(
      fc.property(anySimulation, (simulation) => {
        const { longestWaitMs, cutShort } = simulate(simulation);
        const fairMs = fairWaitMs(simulation);
        expect({ tooLong: longestWaitMs.filter((waitMs) => waitMs > fairMs), cutShort }).toEqual({ tooLong: [], cutShort: 0 });
      }),
      { numRuns: 100, examples: [[CHASE]] },
    );
  });
});
