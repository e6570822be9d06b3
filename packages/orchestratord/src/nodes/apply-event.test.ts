import { describe, expect, test } from '@jest/globals';
import { aCommand } from '../../test/fixtures.js';
import { aNodeModel, aNodeState, anAssignmentStatus, anEvent, anOutcome, aPoolStatus } from '../../test/node-fixtures.js';
import { applyEvent, nodeOfEvent } from './apply-event.js';

describe('applyEvent', () => {
  test('E-23 an event that is older than the state is in it already', () => {
    const state = aNodeState({ sent_at: '2026-01-01T00:00:02.000Z' });
    expect(applyEvent(state, anEvent('pool.unready', aPoolStatus({ ready: false }), '2026-01-01T00:00:01.999Z'))).toBe(state);
    expect(applyEvent(state, anEvent('pool.unready', aPoolStatus({ ready: false }), '2026-01-01T00:00:02.000Z')).pools[0]?.ready).toBe(false);
  });

  test('E-23 a pool is replaced; one that the node does not report is not added', () => {
    const pool = aPoolStatus({ ready: false, last_error: 'gone' });
    expect(applyEvent(aNodeState(), anEvent('pool.unready', pool)).pools).toEqual([pool]);
    expect(applyEvent(aNodeState(), anEvent('pool.ready', aPoolStatus({ pool_id: 'other' }))).pools).toEqual(aNodeState().pools);
  });

  test('E-23 C-84 an outcome replaces what was known of its assignment, unless that is of a later generation', () => {
    const state = aNodeState({ assignments: [anAssignmentStatus({ generation: 2, residency: 'loading' }), anAssignmentStatus({ instance_id: 'other' })] });
    expect(applyEvent(state, anEvent('instance.loaded', anOutcome({ generation: 2 }))).assignments).toEqual([anAssignmentStatus({ instance_id: 'other' }), anAssignmentStatus({ generation: 2 })]);
    expect(applyEvent(state, anEvent('instance.loaded', anOutcome({ generation: 1 }))).assignments).toEqual(state.assignments);
  });

  test('E-23 a model that was registered is there with its facts', () => {
    const state = aNodeState({ models: [aNodeModel('smollm2', 200, { facts: null })] });
    expect(applyEvent(state, anEvent('catalog.model_registered', { node_id: 'n1', model: aNodeModel() })).models).toEqual([aNodeModel()]);
  });

  test('G-30 a model that was deleted is no longer there, and nothing else changes', () => {
    const state = aNodeState({ models: [aNodeModel('smollm2', 200), aNodeModel('other', 300)] });
    const deleted = anEvent('catalog.model_deleted', { node_id: 'n1', model_id: 'smollm2', digest: aNodeModel('smollm2', 200).digest, rule: 'DeleteRetired', freed_bytes: 200, error: null });
    expect(applyEvent(state, deleted)).toEqual({ ...state, models: [aNodeModel('other', 300)] });
  });

  test('E-23 G-19 a model that a node retired or pinned is known as that', () => {
    const { model_id, digest } = aNodeModel();
    const state = aNodeState({ models: [aNodeModel(), aNodeModel('other')] });
    const changed = anEvent('catalog.state_changed', { node_id: 'n1', model_id, digest, from: { state: 'Active', pinned: false }, to: { state: 'Retired', pinned: true } });
    expect(applyEvent(state, changed).models).toEqual([aNodeModel(model_id, 200, { lifecycle: 'Retired', pinned: true }), aNodeModel('other')]);
  });

  test('E-23 the same event twice changes nothing more', () => {
    const event = anEvent('instance.load_failed', anOutcome({ residency: 'failed', last_error: 'no' }));
    const once = applyEvent(aNodeState(), event);
    expect(applyEvent(once, event)).toEqual(once);
  });

  test('E-23 every event from a node says which', () => {
    expect([nodeOfEvent(anEvent('pool.ready', aPoolStatus())), nodeOfEvent(anEvent('instance.loaded', anOutcome())), nodeOfEvent(aCommand())]).toEqual(['n1', 'n1', null]);
  });
});
