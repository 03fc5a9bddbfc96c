// What `npm run build` makes works without the sources: the image runs nothing else.
//   - API, worker and command line run a task from the prompt to the branch
//   - the worker takes the workflows from the build, and makes no bundle of its own
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { adoVersion, checkoutRoot } from '../../cli/dev/checkout.ts';
import { startSharedAdo } from '../support/ado-platform.ts';
import type { Ado } from '../support/ado-platform.ts';
import { deliveredBranches, git, makeRepository } from '../support/repositories.ts';

/** Inside the checkout, as the programs look for node_modules above them. */
const folder = join(checkoutRoot(), '.ado');
let built: string;
let ado: Ado;
/** Tell the command line where the platform is. */
let variables: NodeJS.ProcessEnv = {};

beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  built = mkdtempSync(join(folder, 'test-build-'));
  run('sh', join(checkoutRoot(), 'tools', 'build.sh'), built);
  ado = await startSharedAdo({ built });
  variables = { ADO_URL: ado.url, ADO_API_KEY: ado.apiKey };
}, 240_000);
afterAll(async () => {
  await ado.stop();
  rmSync(built, { recursive: true });
});

function run(program: string, ...args: readonly string[]): string {
  const path = [join(checkoutRoot(), 'node_modules', '.bin'), dirname(process.execPath)];
  const env = {
    ...process.env,
    PATH: [...path, process.env['PATH']].join(':'),
    ...variables,
  };
  return execFileSync(program, args, { env, encoding: 'utf8', stdio: 'pipe' });
}

test('a task of the builtin agent goes through compiled programs', () => {
  const repository = makeRepository();
  const script = join(mkdtempSync(join(tmpdir(), 'ado-test-script-')), 'script.yaml');
  writeFileSync(
    script,
    `answers:
  - toolCalls: [{ tool: write_file, input: { path: README.md, content: "Hello\\n" } }]
  - text: Now it greets.
`,
  );
  const words = ['run', 'Greet', '--repo', repository, '--agent', 'builtin', '-o', 'jsonl'];

  const output = run(join(built, 'cli', 'main.js'), ...words, '--model', `scripted:${script}`);

  expect(JSON.parse(output.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({
    type: 'result',
    outcome: 'succeeded',
  });
  const [branch = ''] = deliveredBranches(repository);
  expect(git(repository, 'show', `${branch}:README.md`)).toBe('Hello');
  expect(run(join(built, 'cli', 'main.js'), '--version').trim()).toBe(adoVersion());
});

test('the worker takes the workflows from the build', () => {
  expect(existsSync(join(built, 'workflow-bundle.js'))).toBe(true);
  expect(readdirSync(ado.home)).not.toContain('cache');
});
