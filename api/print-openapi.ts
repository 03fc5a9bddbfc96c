/** Prints the OpenAPI document, as docs/openapi.json has it. */
import packageJson from '../package.json' with { type: 'json' };
import { buildOpenApi } from './openapi.ts';

process.stdout.write(`${JSON.stringify(buildOpenApi(packageJson.version), null, 2)}\n`);
