export { ALLOW_EVERY_SOURCE, parseFetchPolicy } from './model/fetch-policy.js';
export type { FetchPolicy, ParsedFetchPolicy } from './model/fetch-policy.js';
export type { ProvisionPhase, ProvisionProgress } from './model/fetcher.js';
export { ModelProvisioner } from './model/model-provisioner.js';
export type { Inspect, ModelProvisionerOptions, ProvidedModel } from './model/model-provisioner.js';
export type { ModelRequest } from './model/model-request.js';
export { isProvisionError, ProvisionError } from './model/provision-error.js';
export type { FailedAttempt, ProvisionCode } from './model/provision-error.js';
