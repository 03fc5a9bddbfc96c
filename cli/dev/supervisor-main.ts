/** The process of a background supervisor: `node supervisor-main.ts '<PlatformOptions without env, as JSON>'`. */
import { superviseInBackground } from './platform.ts';
import type { PlatformOptions } from './supervisor.ts';

const given = JSON.parse(process.argv[2] ?? '{}') as Omit<PlatformOptions, 'env'>;
// This file wires: it hands the environment it was started with to the platform.
process.exitCode = await superviseInBackground({ ...given, env: process.env });
