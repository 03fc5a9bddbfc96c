import { classifyConflict, describeConflicts, isFreeOfSpace } from './classify-conflict.ts';

test.each([
  'package-lock.json',
  'web/yarn.lock',
  'Cargo.lock',
  'go.sum',
  'db/migrations/0003_users.sql',
  'src/auth/token.ts',
  'src/userSession.ts',
  'lib/payment_gateway.rb',
  'config/prod.yaml',
  '.env',
  'api/task.schema.ts',
  '.github/workflows/ci.yml',
])('%s is critical', (path) => {
  expect(classifyConflict(path)).toBe('critical');
});

test.each(['README.md', 'src/author.ts', 'src/blocks/clock.ts', 'lib/environment.py'])(
  '%s is simple',
  (path) => {
    expect(classifyConflict(path)).toBe('simple');
  },
);

test.each([
  ['src/app.ts', true],
  ['src/App.TSX', true],
  ['lib/main.rs', true],
  ['package.json', true],
  // Made of white space.
  ['lib/main.py', false],
  ['deploy.yaml', false],
  ['Makefile', false],
  ['README.md', false],
  ['page.html', false],
  // Critical.
  ['package-lock.json', false],
  ['src/auth/token.ts', false],
])('%s: white space says nothing is %s', (path, expected) => {
  expect(isFreeOfSpace(path)).toBe(expected);
});

test('critical files are named first, and many are counted', () => {
  const many = Array.from({ length: 12 }, (_, place) => `src/file-${String(place)}.ts`);

  const text = describeConflicts([...many, 'yarn.lock']);

  expect(text).toMatch(/^critical: yarn\.lock; simple: src\/file-0\.ts, .* and 2 more$/);
});
