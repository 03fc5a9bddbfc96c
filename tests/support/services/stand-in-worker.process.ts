/** Stands in for the worker. */
import { serveStandIn } from './stand-in.ts';

serveStandIn(process.env['ADO_METRICS_PORT']);
