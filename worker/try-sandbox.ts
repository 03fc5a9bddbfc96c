/**
 * Tries the sandbox of this machine as a worker does at its start, and tells what came of it in a line of JSON: what
 * `ado doctor` starts. Nothing stays behind.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkSandbox } from '../adapters/workspaces/check-sandbox.ts';
import { loadSandboxConfig } from '../config/config.ts';
import { AppError } from '../contracts/errors.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'ado-sandbox-'));
try {
  process.stdout.write(
    `${JSON.stringify(await checkSandbox({ ...loadSandboxConfig(), dataDir }))}\n`,
  );
} catch (error) {
  if (!(error instanceof AppError)) throw error;
  const { code, message } = error;
  process.stdout.write(`${JSON.stringify({ error: { code, message } })}\n`);
} finally {
  rmSync(dataDir, { recursive: true, force: true });
}
