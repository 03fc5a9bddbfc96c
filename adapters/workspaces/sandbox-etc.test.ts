import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeSandboxEtc } from './sandbox-etc.ts';

test('the folder has made-up accounts, none of the host, and is made once', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'ado-test-etc-'));

  const folder = makeSandboxEtc(dataDir);

  expect(readFileSync(join(folder, 'passwd'), 'utf8')).toMatch(/^root:.*\nagent:.*\n$/);
  expect(existsSync(join(folder, 'shadow'))).toBe(false);
  expect(existsSync(join(folder, 'resolv.conf'))).toBe(false);
  expect(makeSandboxEtc(dataDir)).toBe(folder);
  expect(readdirSync(join(dataDir, 'sandbox'))).toHaveLength(1);
});
