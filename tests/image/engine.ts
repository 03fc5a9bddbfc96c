/** A Docker engine and the image that it builds of this checkout. */
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { checkoutRoot } from '../../cli/dev/checkout.ts';
import { testService } from '../support/environment.ts';

/** The name of the image. */
export const image = 'ado:test';

/** Whether there is an engine; without one the tests of this folder are skipped. */
export const hasEngine = spawnSync('docker', ['info']).status === 0;

/** Runs docker and gives what it printed. @throws Error when it fails */
export function docker(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('docker', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`docker ${args.join(' ')} ended with ${status}:\n${stderr}`);
  return stdout.trim();
}

/** Builds the image; what the engine has built before is not built again. */
export function buildImage(): void {
  docker('build', '--network=host', '--tag', image, checkoutRoot());
}

/** Makes a database without tables and answers its address. */
export async function createEmptyDatabase(): Promise<string> {
  const url = new URL(testService('databaseUrl'));
  const name = `ado_image_${randomUUID().replaceAll('-', '')}`;
  const server = new pg.Client({ connectionString: url.href });
  await server.connect();
  await server.query(`create database ${name}`);
  await server.end();
  url.pathname = `/${name}`;
  return url.href;
}
