/** Ends what global-setup.ts started, Temporal before the PostgreSQL that it stands on. */
import { startedServices } from './global-setup.ts';

/** Jest's global teardown. */
export default async function globalTeardown(): Promise<void> {
  for (const service of startedServices) await service.stop();
}
