// `ado run` over many repositories:
//   - targets come from lists, CSV, JSON lines, patterns, stdin and ado.config.yaml alike
//   - what opted out is sent along and marked
//   - the exit code says how the items ended
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FakeApi, fakeKey } from '../../support/fake-api.ts';
import { beginBatch, playBatch } from './fake-runs.ts';
import { makePlace, readLines, runAdo } from '../../support/run-ado.ts';
import type { Place } from '../../support/run-ado.ts';

let api: FakeApi;
let place: Place;

beforeEach(async () => {
  api = new FakeApi();
  await api.start();
  place = makePlace({ ADO_URL: api.url, ADO_API_KEY: fakeKey });
});

afterEach(() => api.stop());

const folders = (...names: readonly string[]): void => {
  for (const name of names) mkdirSync(join(place.cwd, name, '.git'), { recursive: true });
};
const file = (name: string, text: string): void => writeFileSync(join(place.cwd, name), text);
const lastBody = (): Record<string, unknown> =>
  api.seen.find((request) => request.body !== undefined)?.body as Record<string, unknown>;
const repositoriesOf = (body: Record<string, unknown>): unknown[] =>
  (body['items'] as { repository: string }[]).map((item) => item.repository);

describe('a batch', () => {
  const run = ['run', 'Bump {{library}}', '--exec', 'true'];

  it('takes targets from a list, CSV, JSON lines, a pattern and stdin alike', async () => {
    folders('repos/a', 'repos/b');
    mkdirSync(join(place.cwd, 'repos/c.txt'), { recursive: true });
    file('list.txt', '# ours\nrepos/a\n\n  repos/b  # the second\n');
    file('list.csv', 'repository,library\nrepos/a,left-pad\n"repos/b","x, y"\n');
    file(
      'list.jsonl',
      '{"repository":"repos/a","library":"left-pad"}\n{"url":"https://h/o/r.git"}\n',
    );
    api.onAccepted = (id) => playBatch(api, id);
    const both = [join(place.cwd, 'repos/a'), join(place.cwd, 'repos/b')];
    const call = async (repos: string, stdin = ''): Promise<Record<string, unknown>> => {
      api.seen.length = 0;
      const { code } = await runAdo(place, [...run, '--repos', repos], stdin);
      expect(code).toBe(0);
      return lastBody();
    };

    expect(repositoriesOf(await call('list.txt'))).toEqual(both);
    expect(repositoriesOf(await call('repos/[ab]'))).toEqual(both);
    expect(repositoriesOf(await call('-', 'repos/a\nrepos/b\nrepos/a\n'))).toEqual(both);
    expect((await call('list.csv'))['items']).toEqual([
      { repository: both[0], variables: { library: 'left-pad' } },
      { repository: both[1], variables: { library: 'x, y' } },
    ]);
    expect((await call('list.jsonl'))['items']).toEqual([
      { repository: both[0], variables: { library: 'left-pad' } },
      { repository: 'https://h/o/r.git' },
    ]);
  });

  it('lists what opted out, and takes an unquoted pattern', async () => {
    folders('repos/a', 'repos/b', 'repos/legacy-x');
    file('.adoignore', '# not these\nlegacy-*\n');
    api.onAccepted = (id) => playBatch(api, id);

    const { code } = await runAdo(place, [
      'run',
      'x',
      '--exec',
      'true',
      '--exclude',
      'b',
      '--repos',
      'repos/a',
      'repos/b',
      'repos/legacy-x',
    ]);

    expect(code).toBe(0);
    expect(lastBody()['items']).toEqual([
      { repository: join(place.cwd, 'repos/a') },
      { repository: join(place.cwd, 'repos/b'), skip: 'optout' },
      { repository: join(place.cwd, 'repos/legacy-x'), skip: 'optout' },
    ]);
  });

  it('takes repositories and defaults from ado.config.yaml, flags winning', async () => {
    folders('one', 'two');
    file(
      'ado.config.yaml',
      'repositories: [one, two]\nexec: ./run.sh\nparallel: 3\nfailureBudget: 10%\ngates:\n  test: npm test ${WHERE:-here}\n',
    );
    api.onAccepted = (id) => playBatch(api, id);

    await runAdo(place, ['run', 'x', '--parallel', '7']);

    expect(lastBody()).toMatchObject({
      agent: 'command',
      parallel: 7,
      failureBudget: 0.1,
      gates: [{ name: 'test', command: 'npm test here' }],
    });
    expect(repositoriesOf(lastBody())).toEqual([join(place.cwd, 'one'), join(place.cwd, 'two')]);
  });

  it('tells each change on a line, and at last failures with their errors', async () => {
    folders('repos/a', 'repos/b');
    api.onAccepted = (id) =>
      playBatch(api, id, { b: { outcome: 'failed', failureClass: 'agent', error: 'gave up' } });

    const { code, stdout } = await runAdo(place, [...run, '--repos', 'repos/*']);

    expect(code).toBe(3);
    expect(stdout).toMatch(/^\d\d:\d\d:\d\d {2}1\/2 {2}succeeded {2}repos\/a .*ado\/work-/m);
    expect(stdout).toMatch(/✗ repos\/b .* agent gave up/);
    expect(stdout).toMatch(/2 items: 1 succeeded, 1 failed/);
  });

  it.each([
    ['0 when items are unchanged', 'skipped_unchanged', 0],
    ['7 when none failed and the budget stopped some', 'skipped_budget', 7],
    ['3 when one was cancelled', 'cancelled', 3],
  ] as const)('exits with %s', async (_, outcome, expected) => {
    folders('repos/a', 'repos/b');
    api.onAccepted = (id) => playBatch(api, id, { b: { outcome } });

    const { code } = await runAdo(place, [...run, '--repos', 'repos/*']);

    expect(code).toBe(expected);
  });

  it('exits with 8 when the wait ends before the batch', async () => {
    folders('repos/a');
    api.onAccepted = (id) => beginBatch(api, id);

    const { code, stderr, stdout } = await runAdo(place, [
      ...run,
      '--repos',
      'repos/*',
      '--wait-timeout',
      '300ms',
      '-o',
      'jsonl',
    ]);

    expect(code).toBe(8);
    expect(stderr).toContain('Still running');
    expect(readLines(stdout).at(-1)).toMatchObject({
      type: 'result',
      exitCode: 8,
      status: 'running',
    });
  });

  it('names the line of the list whose repository the server refuses', async () => {
    file('list.txt', '# first\ngone\n');
    api.trouble('submitBatch', {
      code: 'REPOSITORY_NOT_FOUND',
      problems: [{ path: 'items.0.repository', message: 'does not exist' }],
    });

    const { code, stderr } = await runAdo(place, [...run, '--repos', 'list.txt']);

    expect(code).toBe(5);
    expect(stderr).toContain(`list.txt:2: ${place.cwd}/gone: does not exist`);
    expect(stderr).toMatch(/→ Check the path/);
  });
});
