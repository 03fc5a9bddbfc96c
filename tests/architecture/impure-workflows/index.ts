import { z } from 'zod';

/** What the purity test must catch: a workflow that takes zod into the bundle. */
export async function impure(input: unknown): Promise<string> {
  return Promise.resolve(z.string().parse(input));
}
