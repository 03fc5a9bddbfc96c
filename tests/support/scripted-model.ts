/** A model that answers as a test says. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Writes a script, in YAML or JSON, and answers the name of its model. */
export function scriptedModel(script: string): string {
  const file = join(mkdtempSync(join(tmpdir(), 'ado-test-script-')), 'script.yaml');
  writeFileSync(file, script);
  return `scripted:${file}`;
}
