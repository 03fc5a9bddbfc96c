import { createHash } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import { createCommit, isCommitOf } from './commit-object.ts';

const words = {
  tree: '4b825dc642cb6eb9a060e54bf8d69288fbee4904',
  parent: '1'.repeat(40),
  message: 'Rename a thing\n\nAdo-Task: task-1\n',
  date: new Date('2026-01-02T03:04:05.678Z'),
  effectId: 'e'.repeat(64),
};

function textOf(commit: { readonly bytes: Buffer }): string {
  return inflateSync(commit.bytes).toString().split('\0')[1] ?? '';
}

test('equal words make an equal commit, other words another', () => {
  const { id } = createCommit(words);

  expect(createCommit({ ...words }).id).toBe(id);
  expect(createCommit({ ...words, effectId: 'f' }).id).not.toBe(id);
  expect(createCommit({ ...words, date: new Date(0) }).id).not.toBe(id);
});

test('the id is that of the stored object', () => {
  const { id, bytes } = createCommit(words);

  expect(createHash('sha1').update(inflateSync(bytes)).digest('hex')).toBe(id);
});

test('the step joins the trailers of the message', () => {
  expect(textOf(createCommit(words))).toBe(
    [
      `tree ${words.tree}`,
      `parent ${words.parent}`,
      'author ado <ado@localhost> 1767323045 +0000',
      'committer ado <ado@localhost> 1767323045 +0000',
      '',
      'Rename a thing',
      '',
      'Ado-Task: task-1',
      `Ado-Step: ${words.effectId}`,
      '',
    ].join('\n'),
  );
});

test('a message without trailers gets a paragraph for them', () => {
  const text = textOf(createCommit({ ...words, message: 'fix: one line' }));

  expect(text).toContain(`\n\nfix: one line\n\nAdo-Step: ${words.effectId}\n`);
});

test('a commit is recognised by step and parent', () => {
  const text = textOf(createCommit(words));

  expect(isCommitOf(text, words)).toBe(true);
  expect(isCommitOf(text, { ...words, effectId: 'other' })).toBe(false);
  expect(isCommitOf(text, { ...words, parent: '2'.repeat(40) })).toBe(false);
});
