/** Parts that run elsewhere, as the environment names them: asked how they do, never started or stopped. */
import { answersPostgres, findRedisInfo, findTemporalVersion } from '../probes.ts';
import type { Externals } from '../programs.ts';
import type { ExternalPart } from './part.ts';

/** External services may be across a network. */
const timeoutMs = 3_000;

/** The external parts that an environment names. */
export function listExternalParts(externals: Externals): ExternalPart[] {
  const { postgres, redis, temporal } = externals;
  const parts: ExternalPart[] = [];
  if (temporal !== undefined) {
    const ask = async (): Promise<string | null | undefined> =>
      findTemporalVersion(temporal, timeoutMs);
    parts.push({ name: 'temporal', services: [{ name: 'temporal', url: temporal }], ask });
  }
  if (redis !== undefined) {
    const ask = async (): Promise<string | undefined> =>
      (await findRedisInfo(redis, timeoutMs))?.version;
    parts.push({ name: 'redis', services: [{ name: 'redis', url: withoutPassword(redis) }], ask });
  }
  if (postgres !== undefined) {
    // It tells its version only to those who log in.
    const ask = async (): Promise<null | undefined> =>
      (await answersPostgres(postgres, timeoutMs)) ? null : undefined;
    parts.push({
      name: 'postgres',
      services: [{ name: 'postgres', url: withoutPassword(postgres) }],
      ask,
    });
  }
  return parts;
}

/** An address fit to be shown. */
function withoutPassword(url: string): string {
  if (!URL.canParse(url)) return url;
  const parsed = new URL(url);
  parsed.password = '';
  return parsed.href;
}
