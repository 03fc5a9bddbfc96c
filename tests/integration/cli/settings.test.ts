// Contexts, configuration and the command line itself:
//   - a flag wins over the environment, that over the user's file, that over the project's
//   - a mistake in a file is told with file, line and key
//   - a mistyped word gets a suggestion and exit code 2
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FakeApi, fakeKey } from '../../support/fake-api.ts';
import { makePlace, runAdo } from '../../support/run-ado.ts';
import type { Place } from '../../support/run-ado.ts';

let place: Place;

beforeEach(() => {
  place = makePlace();
});

const userFile = (): string => join(place.cwd, 'home', '.config', 'ado', 'config.yaml');

function writeUserFile(text: string): void {
  mkdirSync(join(userFile(), '..'), { recursive: true });
  writeFileSync(userFile(), text);
}

describe('contexts', () => {
  let api: FakeApi;

  beforeEach(async () => {
    api = new FakeApi();
    await api.start();
  });

  afterEach(() => api.stop());

  it('are added, used and removed, in a file that only its owner reads', async () => {
    const added = await runAdo(
      place,
      ['context', 'add', 'staging', '--url', api.url, '--key', '-'],
      `${fakeKey}\n`,
    );
    const used = await runAdo(place, ['context', 'use', 'staging']);
    const listed = await runAdo(place, ['context', 'list']);
    const called = await runAdo(place, ['ps', '-o', 'json']);
    const key = await runAdo(place, ['config', 'get', 'key']);
    const removed = await runAdo(place, ['context', 'remove', 'staging']);
    const current = await runAdo(place, ['context', 'current']);

    expect([added, used, listed, called, key, removed, current].map((call) => call.code)).toEqual([
      0, 0, 0, 0, 0, 0, 0,
    ]);
    expect(statSync(userFile()).mode & 0o777).toBe(0o600);
    expect(listed.stdout).toMatch(/^\* +staging/m);
    expect(listed.stdout).not.toContain(fakeKey);
    expect(JSON.parse(called.stdout)).toEqual({ items: [] });
    expect(key.stdout.trim()).toBe(fakeKey);
    expect(current.stdout.trim()).toBe('local');
  });

  it('are chosen by flag, then variable, then file; k8s means kubernetes', async () => {
    writeUserFile(
      `current: one\ncontexts:\n  one: {url: 'http://one.invalid'}\n  kubernetes: {url: '${api.url}', keyEnv: CLUSTER_KEY}\n`,
    );
    const env = { ...place.env, ADO_CONTEXT: 'local', CLUSTER_KEY: fakeKey };

    const byFlag = await runAdo({ ...place, env }, ['--context', 'k8s', 'ps', '-o', 'json']);
    const byVariable = await runAdo({ ...place, env }, ['context', 'current']);
    const byFile = await runAdo(place, ['context', 'current']);
    const wrong = await runAdo(place, ['--context', 'kubernets', 'ps']);

    expect(byFlag.code).toBe(0);
    expect(byVariable.stdout.trim()).toBe('local');
    expect(byFile.stdout.trim()).toBe('one');
    expect(wrong.code).toBe(5);
    expect(wrong.stderr).toContain('did you mean "kubernetes"?');
  });

  it('with a key that the server does not know end in 4', async () => {
    const env = { ...place.env, ADO_URL: api.url, ADO_API_KEY: 'ado_x_y_z' };

    const { code, stderr } = await runAdo({ ...place, env }, ['ps', '--verbose']);

    expect(code).toBe(4);
    expect(stderr).toMatch(/\[KEY_INVALID\]\n→ .*\nrequest request-1/);
  });
});

describe('configuration', () => {
  it('says where each value comes from', async () => {
    writeUserFile('defaults:\n  parallel: 4\n');
    writeFileSync(join(place.cwd, 'ado.config.yaml'), 'parallel: 9\npriority: 2\n');

    const { stdout } = await runAdo(place, ['config', 'view', '--resolved', '-o', 'json']);

    expect(JSON.parse(stdout)).toMatchObject({
      context: { value: 'local', source: 'default' },
      parallel: { value: 4, source: userFile() },
      priority: { value: 2, source: join(place.cwd, 'ado.config.yaml') },
    });
  });

  it('keeps comments when a value is set, and refuses wrong ones', async () => {
    writeUserFile('# mine\ndefaults:\n  priority: 1 # first\n');

    const set = await runAdo(place, ['config', 'set', 'parallel', '20']);
    const got = await runAdo(place, ['config', 'get', 'parallel']);
    const wrongKey = await runAdo(place, ['config', 'set', 'paralel', '20']);
    const wrongValue = await runAdo(place, ['config', 'set', 'parallel', 'many']);

    expect(set.code).toBe(0);
    expect(got.stdout).toBe('20\n');
    expect(wrongKey).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('did you mean "parallel"?'),
    });
    expect(wrongValue.code).toBe(2);
  });

  it('tells every mistake with file, line and key', async () => {
    writeFileSync(
      join(place.cwd, 'ado.config.yaml'),
      'repositories: [a]\nparalel: 3\ngates:\n  test: ${MISSING}\n',
    );
    const unset = await runAdo(place, ['run', 'x']);
    writeFileSync(
      join(place.cwd, 'ado.config.yaml'),
      'repositories: [a]\nparalel: 3\npriority: 9\n',
    );
    const wrong = await runAdo(place, ['run', 'x']);

    const path = join(place.cwd, 'ado.config.yaml');
    expect(unset).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`${path}:4: gates.test: the variable MISSING is not set`),
    });
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain(`${path}:2: unknown key "paralel"; did you mean "parallel"?`);
    expect(wrong.stderr).toContain(`${path}:3: priority: `);
  });
});

describe('the command line', () => {
  it.each([
    ['an unknown command', ['rnu'], 'Did you mean run?'],
    ['an unknown flag', ['run', 'x', '--paralel', '3'], 'Did you mean --parallel?'],
    ['an unknown value', ['ps', '-o', 'jso'], 'did you mean "json"?'],
    ['an unknown status', ['ps', '--status', 'runing'], 'did you mean "running"?'],
    ['a duration without a unit', ['run', 'x', '--timeout', '30'], 'such as 30m'],
    ['two of --wait and --detach', ['run', 'x', '--wait', '--detach'], 'cannot be used with'],
    [
      'a batch flag without a batch',
      ['run', 'x', '--repo', '.', '--name', 'n'],
      '--name is for batches',
    ],
    ['no prompt', ['run', '--repo', '.'], 'What is to be done?'],
    ['words without quotes', ['run', 'Fix', 'it', '--repo', '.'], 'Put the prompt in quotes'],
  ] as const)('refuses %s with 2 and a hint', async (_, words, hint) => {
    const { code, stdout, stderr } = await runAdo(place, words);

    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(hint);
    expect(stderr).toMatch(/\[USAGE\]\n→ /);
  });

  it('answers --version and --help on stdout', async () => {
    const version = await runAdo(place, ['--version']);
    const help = await runAdo(place, ['batch', 'retry', '--help']);

    expect(version).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
    expect(help).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Examples:\n  $ ado batch retry'),
    });
  });

  it('completes commands, words and contexts', async () => {
    const commands = await runAdo(place, ['complete', '--', 'ba']);
    const verbs = await runAdo(place, ['complete', '--', 'batch', 're']);
    const contexts = await runAdo(place, ['complete', '--', '--context', '']);
    const script = await runAdo(place, ['completion', 'bash']);

    expect(commands.stdout).toMatch(/^batch\t/m);
    expect(verbs.stdout).toMatch(/^retry\t/m);
    expect(contexts.stdout).toMatch(/^local\t/m);
    expect(script.stdout).toContain('ado complete --');
  });

  it('does not start the platform only to look', async () => {
    const { code, stderr } = await runAdo(place, ['ps']);

    expect(code).toBe(69);
    expect(stderr).toContain('The local platform is not running');
  });
});
