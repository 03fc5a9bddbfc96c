/** Commits as git stores them. Made here and not by `git commit-tree`: the id is known before anything is written. */
import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';

/** What a commit says. Equal words, equal id. */
export interface CommitWords {
  readonly tree: string;
  readonly parent: string;
  readonly message: string;
  readonly date: Date;
  readonly effectId: string;
}

/** A commit ready to be stored. */
export interface CommitObject {
  readonly id: string;
  /** Bytes of the loose object's file. */
  readonly bytes: Buffer;
}

const person = 'ado <ado@localhost>';
const trailer = 'Ado-Step';

/** Makes the commit of a step. */
export function createCommit(words: CommitWords): CommitObject {
  const seconds = Math.floor(words.date.getTime() / 1_000);
  const text = [
    `tree ${words.tree}`,
    `parent ${words.parent}`,
    `author ${person} ${seconds} +0000`,
    `committer ${person} ${seconds} +0000`,
    '',
    messageOf(words),
  ].join('\n');
  const body = Buffer.from(text);
  const object = Buffer.concat([Buffer.from(`commit ${body.length}\0`), body]);
  return {
    id: createHash('sha1').update(object).digest('hex'),
    bytes: deflateSync(object, { level: 1 }),
  };
}

/** The message with the step's trailer; it joins trailers that are there already. */
function messageOf({ message, effectId }: CommitWords): string {
  const text = message.replaceAll('\0', '').trim();
  const lastParagraph =
    text
      .split(/\n\s*\n/)
      .slice(1)
      .at(-1) ?? '';
  const hasTrailers =
    lastParagraph !== '' && lastParagraph.split('\n').every((line) => /^[\w-]+: /.test(line));
  return `${text}${hasTrailers ? '\n' : '\n\n'}${trailer}: ${effectId}\n`;
}

/** Answers whether a commit (as `git cat-file commit` prints it) was made by this step on this parent. */
export function isCommitOf(
  text: string,
  { parent, effectId }: Pick<CommitWords, 'parent' | 'effectId'>,
): boolean {
  const [head = '', ...message] = text.split('\n\n');
  const parents = head.split('\n').filter((line) => line.startsWith('parent '));
  return (
    parents.length === 1 &&
    parents[0] === `parent ${parent}` &&
    message.join('\n\n').trimEnd().endsWith(`\n${trailer}: ${effectId}`)
  );
}
