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
 * The kinds that may run side by side, and how many of their files at once where that is not what Jest takes, one less
 * than there are cores. Fault tests kill and restart services, so they run alone. Those on a Kubernetes control plane
 * mostly wait, for an autoscaler's next look or Helm's, and each file has a control plane of its own.
 */
const groups = [
  { kinds: ['unit', 'architecture', 'replay', 'chart'], atOnce: '100%' },
  { kinds: ['integration', 'workflow', 'e2e'] },
  { kinds: ['faults'] },
  { kinds: ['kube'], atOnce: '100%' },
  { kinds: ['image'] },
  { kinds: ['agents'] },
];

const root = fileURLToPath(new URL('..', import.meta.url));
const jest = join(root, 'node_modules/jest/bin/jest.js');
const words = argv.slice(2);
const isKind = (word) => groups.some(({ kinds: some }) => some.includes(word));
const firstOption = words.findIndex((word) => !isKind(word));
const kinds = firstOption === -1 ? words : words.slice(0, firstOption);
const options = words.slice(kinds.length);

/** Runs the tests of `projects` and counts them. A file that cannot be loaded counts as one failure. */
function run(projects, atOnce, resultFile) {
  const selection = ['--selectProjects', ...projects, '--json', `--outputFile=${resultFile}`];
  const speed = atOnce === undefined ? [] : [`--maxWorkers=${atOnce}`];
  // A filter may leave a group empty; without one, an empty group is a mistake and fails.
  const filter = options.length > 0 ? ['--passWithNoTests', ...options] : [];
  const { status } = spawnSync(execPath, [jest, ...selection, ...speed, ...filter], {
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
for (const [index, { kinds: some, atOnce }] of groups.entries()) {
  const wanted = some.filter((kind) => kinds.length === 0 || kinds.includes(kind));
  if (wanted.length === 0) continue;
  const counts = run(wanted, atOnce, join(folder, `${index}.json`));
  for (const key of Object.keys(total)) total[key] += counts[key];
}
rmSync(folder, { recursive: true });

stdout.write(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
exit(total.failed > 0 ? 1 : 0);
