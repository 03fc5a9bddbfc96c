import { submitBatchSchema } from './batch.schema.ts';
import { submitTaskSchema } from './task.schema.ts';

const work = {
  ...{ prompt: 'Greet', agent: 'command', exec: 'true' },
  delivery: { mode: 'pull-request' },
} as const;
const hosted = 'https://github.com/acme/widgets';

test.each(['/repositories/one', 'file:///repositories/one'])(
  'a pull request for the folder %s is refused before anything is spent',
  (repository) => {
    const refused = submitTaskSchema.safeParse({ ...work, repository });

    expect(refused.error?.issues).toMatchObject([
      { path: ['repository'], message: expect.stringMatching(/is a folder: name its URL/) },
    ]);
  },
);

test('of a batch each item that has no host is named', () => {
  const items = [{ repository: hosted }, { repository: '/repositories/one' }];

  const refused = submitBatchSchema.safeParse({ ...work, items });

  expect(refused.error?.issues.map(({ path }) => path)).toEqual([['items', 1, 'repository']]);
});

test('a patch that is to be published is a contradiction', () => {
  const delivery = { mode: 'patch', publish: true };

  const refused = submitTaskSchema.safeParse({ ...work, repository: hosted, delivery });

  expect(refused.error?.issues).toMatchObject([{ path: ['delivery', 'publish'] }]);
  const branch = { mode: 'branch', publish: true };
  expect(
    submitTaskSchema.safeParse({ ...work, repository: hosted, delivery: branch }).success,
  ).toBe(true);
});

test('a repository at a host may have a pull request, a folder anything else', () => {
  const folder = { ...work, repository: '/repositories/one', delivery: { mode: 'merge' } };

  expect(submitTaskSchema.safeParse({ ...work, repository: hosted }).success).toBe(true);
  expect(submitTaskSchema.safeParse(folder).success).toBe(true);
});
