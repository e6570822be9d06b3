import { OpenAiModelList, validator } from '@corral/contracts';
import { CliFailure } from '../cli-failure.js';
import type { CallOptions, CorralClient } from './corral-client.js';

export const checkModels = validator(OpenAiModelList);

/** The name to send where the user named none: the server's first. */
export async function firstModel(client: CorralClient, options?: CallOptions): Promise<string> {
  const { data } = await client.get('/v1/models', checkModels, options);
  const first = data[0];
  if (first === undefined)
    throw new CliFailure('the server serves no model', {
      next: 'list one under models: in the manifest and start again with --manifest FILE',
    });
  return first.id;
}
