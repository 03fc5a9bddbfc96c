// Runs kinds of tests one after another and ends with the line "N passed, N failed, N skipped".
//
//   npm test                          every kind
//   npm run test:unit                 one kind
//   npm test -- unit replay           some kinds
//   npm run test:unit -- -t budget    what does not name a kind goes to Jest
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv, execPath, exit, stdout } from 'node:process';
import { fileURLToPath } from 'node:url';

/**
 * The kinds that may run side by side. Fault tests kill and restart services, so they run alone; those on a Kubernetes
 * control plane need all of a small machine.
 */
const groups = [
  ['unit', 'architecture', 'replay', 'chart'],
  ['integration', 'workflow', 'e2e'],
  ['faults'],
  ['kube'],
  ['image'],
  ['agents'],
];

const root = fileURLToPath(new URL('..', import.meta.url));
const jest = join(root, 'node_modules/jest/bin/jest.js');
const words = argv.slice(2);
const isKind = (word) => groups.flat().includes(word);
const firstOption = words.findIndex((word) => !isKind(word));
const kinds = firstOption === -1 ? words : words.slice(0, firstOption);
const options = words.slice(kinds.length);

/** Runs the tests of `projects` and counts them. A file that cannot be loaded counts as one failure. */
function run(projects, resultFile) {
  const selection = ['--selectProjects', ...projects, '--json', `--outputFile=${resultFile}`];
  // A filter may leave a group empty; without one, an empty group is a mistake and fails.
  const filter = options.length > 0 ? ['--passWithNoTests', ...options] : [];
  const { status } = spawnSync(execPath, [jest, ...selection, ...filter], {
    cwd: root,
    stdio: ['inherit', 'ignore', 'inherit'],
  });
  const counts = countsIn(resultFile);
  return status === 0 || counts.failed > 0 ? counts : { ...counts, failed: 1 };
}

function countsIn(resultFile) {
  try {
    const result = JSON.parse(readFileSync(resultFile, 'utf8'));
    return {
      passed: result.numPassedTests,
      failed: result.numFailedTests + result.numRuntimeErrorTestSuites,
      skipped: result.numPendingTests + result.numTodoTests,
    };
  } catch {
    return { passed: 0, failed: 0, skipped: 0 };
  }
}

const folder = mkdtempSync(join(tmpdir(), 'ado-test-'));
const total = { passed: 0, failed: 0, skipped: 0 };
for (const [index, group] of groups.entries()) {
  const wanted = group.filter((kind) => kinds.length === 0 || kinds.includes(kind));
  if (wanted.length === 0) continue;
  const counts = run(wanted, join(folder, `${index}.json`));
  for (const key of Object.keys(total)) total[key] += counts[key];
}
rmSync(folder, { recursive: true });

stdout.write(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
exit(total.failed > 0 ? 1 : 0);
