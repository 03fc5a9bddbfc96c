/** Stands in for the API. With STAND_IN_FAILS it ends at once, as an API does that cannot read its configuration. */
import { serveStandIn } from './stand-in.ts';

if (process.env['STAND_IN_FAILS'] === undefined) {
  serveStandIn(process.env['ADO_API_PORT']);
} else {
  process.stderr.write('a variable is missing\n');
  process.exitCode = 3;
}
