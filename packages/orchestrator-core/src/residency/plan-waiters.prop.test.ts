import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { simulate, type Simulation } from '../../test/residency-simulation.js';

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
