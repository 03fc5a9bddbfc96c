import { readPush } from './delivery.ts';

function push(stdout: string, stderr = '') {
  const exitCode = stdout.includes('!') || stderr !== '' ? 1 : 0;
  return { exitCode, stdout: Buffer.from(stdout), stderr, timedOut: false };
}

const head = 'To /a\n';

test.each([
  ['*\tabc:refs/heads/x\t[new branch]', { kind: 'delivered' }],
  ['=\tabc:refs/heads/x\t[up to date]', { kind: 'delivered' }],
  ['+\tabc:refs/heads/x\ta...b (forced update)', { kind: 'delivered' }],
  ['!\tabc:refs/heads/x\t[rejected] (stale info)', { kind: 'stale' }],
  [
    '!\tabc:refs/heads/x\t[remote rejected] (branch is currently checked out)',
    { kind: 'refused', why: 'branch is currently checked out' },
  ],
])('%s', (line, outcome) => {
  expect(readPush(push(`${head}${line}\nDone\n`))).toEqual(outcome);
});

test('a push that broke off behind its line is tried again', () => {
  const broken = push(
    `${head}*\tabc:refs/heads/x\t[new branch]\n`,
    'fatal: the remote end hung up',
  );

  expect(() => readPush(broken)).toThrow(
    expect.objectContaining({ code: 'WORKSPACE_FAILED' }) as Error,
  );
});

test('a push that reached nobody is tried again', () => {
  expect(() => readPush(push('', 'fatal: Could not read from remote repository.\n'))).toThrow(
    expect.objectContaining({ code: 'WORKSPACE_FAILED' }) as Error,
  );
});
