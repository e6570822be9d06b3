import { isProvisionError } from '@corral/provisioners';
import type { EnsureModel } from './model-presence.js';

/** Brings models as `ensure` does, and refuses a retired one only after another look at what operators mean: a load may overtake the news that its model is active again. [G-10] */
export function ensureMeant(ensure: EnsureModel, refreshIntent: () => Promise<void>): EnsureModel {
  return (wanted, options) =>
    ensure(wanted, options).catch(async (error: unknown) => {
      if (!isProvisionError(error) || error.code !== 'RETIRED') throw error;
      await refreshIntent();
      return ensure(wanted, options);
    });
}
