export { engineConformance, type EngineSubject } from './engine.js';
export { aCommand, BUS_NODES, EVENT_BUS_CASES, type BusNetwork, type EventBusCase } from './event-bus.js';
