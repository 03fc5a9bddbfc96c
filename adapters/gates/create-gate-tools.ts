/** What ado knows of checks, put together. */
import type { GateTools } from '../ports.ts';
import { detectGates, manifests } from './detect-gates.ts';
import { readCoverage } from './read-coverage.ts';
import { readFindings } from './read-findings.ts';

/** Makes the tools. */
export function createGateTools(): GateTools {
  return { manifests, detect: detectGates, readFindings, readCoverage };
}
