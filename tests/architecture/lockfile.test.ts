import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../../tools/complete-lockfile.mjs', import.meta.url));

test('the lockfile knows every platform’s binaries and holds no address of a registry', () => {
  expect(() =>
    execFileSync(process.execPath, [script, '--check'], { stdio: 'pipe' }),
  ).not.toThrow();
});
