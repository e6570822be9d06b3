import type { ModelSpec } from '@corral/contracts';
import { nearest } from '@corral/service-kit';
import { implicitInstanceId } from '../instances/implicit-instance.js';
import { instanceDefaults, NO_DEFAULTS } from '../instances/instance-defaults.js';
import type { InstanceRecord } from '../store/instance-rows.js';
import { instanceBinding, modelBinding, routeBinding } from './bindings-of.js';
import { modelKeyOf } from './model-key.js';
import type { Resolution } from './resolution.js';
import type { ServedManifest } from './served-manifest.js';

/** The org whose implicit instances serve routes and bare models, whoever asks. */
export const IMPLICIT_ORG = 'default';

export interface NamedThings {
  readonly routes: ServedManifest['routes'];
  /** Explicit instances of the caller's org, for whoever asked for none of them. */
  instances(): readonly InstanceRecord[];
  /** The explicit instance of the caller's org that has the id. */
  instance(instanceId: string): InstanceRecord | undefined;
  specOf(modelId: string): ModelSpec | undefined;
  isRetired(modelId: string): boolean;
  modelIds(): Iterable<string>;
}

/**
 * What a `model` of a request names: an instance of the caller's org (`bot` or `acme/bot`), else a route, else a
 * model. An instance of another org is not found, like anything that does not exist. Pure. [F-20]
 */
export function resolveModelRef(ref: string, orgId: string, things: NamedThings): Resolution {
  const instance = things.instance(ref) ?? (ref.startsWith(`${orgId}/`) ? things.instance(ref.slice(orgId.length + 1)) : undefined);
  if (instance !== undefined) return ofInstance(instance, ref, orgId, things);
  const route = things.routes.get(ref);
  const model = things.specOf(route?.modelId ?? ref);
  if (model === undefined) return notFound(ref, orgId, things);
  if (things.isRetired(model.model_id)) return retired(model.model_id);
  const instanceId = route === undefined ? implicitInstanceId('model', ref) : implicitInstanceId('route', route.name);
  return {
    kind: 'resolved',
    model,
    modelKey: modelKeyOf(model),
    instance: { orgId: IMPLICIT_ORG, instanceId, tier: route?.tier ?? 'demand' },
    route: route === undefined ? null : { name: route.name, version: route.version, priority: route.priority, placement: route.placement },
    defaults: NO_DEFAULTS,
    bindings: [...(route === undefined ? [] : [routeBinding(route.name)]), modelBinding(model.model_id)],
  };
}

function ofInstance(instance: InstanceRecord, ref: string, orgId: string, things: NamedThings): Resolution {
  const model = things.specOf(instance.modelRef);
  if (model === undefined) return { kind: 'not_found', message: `instance ${ref} runs ${instance.modelRef}, which is not served here; add the model to the manifest`, near: nearest(instance.modelRef, things.modelIds()) };
  if (things.isRetired(model.model_id)) return retired(model.model_id);
  const { instanceId, tier, config } = instance;
  return { kind: 'resolved', model, modelKey: modelKeyOf(model), instance: { orgId, instanceId, tier }, route: null, defaults: instanceDefaults(config), bindings: [instanceBinding({ orgId, instanceId }), modelBinding(model.model_id)] };
}

function retired(modelId: string): Resolution {
  return { kind: 'retired', modelId, message: retiredMessage(modelId) };
}

/** What whoever names a retired model is told. */
export function retiredMessage(modelId: string): string {
  return `model ${modelId} is retired; name another one (GET /v1/models lists them), or bring it back with corral models activate ${modelId}`;
}

function notFound(ref: string, orgId: string, things: NamedThings): Resolution {
  const ids = things.instances().map(({ instanceId }) => instanceId);
  const near = nearest(ref, [...ids, ...ids.map((id) => `${orgId}/${id}`), ...things.routes.keys(), ...things.modelIds()]);
  const hint = near.length > 0 ? `did you mean ${near.join(' or ')}?` : 'GET /v1/models lists what there is';
  return { kind: 'not_found', message: `there is no instance, route or model "${ref.slice(0, 256)}"; ${hint}`, near };
}
