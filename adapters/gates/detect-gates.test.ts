// The checks of a repository are found by its files.
//   - per ecosystem: command, kind, source; the lock file names the package manager
//   - a script that only says that there is no test is none; make adds only what a language's own tools lack
//   - a profile decides the kinds; nothing found says what was looked for
import type { CommittedFiles } from '../ports.ts';
import { detectGates } from './detect-gates.ts';

type Profile = Parameters<typeof detectGates>[1];

/** Files by their texts; an empty one is there, and unread. */
function found(texts: Readonly<Record<string, string>>, profile: Profile = 'standard'): string[] {
  const files: CommittedFiles = { paths: Object.keys(texts), texts };
  return detectGates(files, profile).gates.map((gate) => `${gate.name}: ${gate.command}`);
}

function packageJson(scripts: Readonly<Record<string, string>>, more: object = {}): string {
  return JSON.stringify({ scripts, ...more });
}

test.each([
  ['package-lock.json', 'npm run'],
  ['pnpm-lock.yaml', 'pnpm run'],
  ['yarn.lock', 'yarn run'],
  ['bun.lock', 'bun run'],
])('with %s scripts are run by %s', (lockFile, run) => {
  const scripts = {
    build: 'tsc',
    lint: 'eslint .',
    test: 'jest',
    'test:coverage': 'jest --coverage',
  };

  expect(found({ 'package.json': packageJson(scripts), [lockFile]: '' })).toEqual([
    `build: ${run} build`,
    `lint: ${run} lint`,
    `test: ${run} test`,
    `coverage: ${run} test:coverage`,
  ]);
});

test('a TypeScript project without a script for it is type-checked by its own compiler', () => {
  const manifest = packageJson({}, { devDependencies: { typescript: '5' } });

  expect(found({ 'package.json': manifest, 'tsconfig.json': '{}' })).toEqual([
    'typecheck: npx --no-install tsc --noEmit -p .',
  ]);
  expect(found({ 'package.json': packageJson({}), 'tsconfig.json': '{}' })).toEqual([]);
});

test('the test that npm init writes is none, and neither is a manifest that cannot be read', () => {
  const scripts = { test: 'echo "Error: no test specified" && exit 1' };

  expect(found({ 'package.json': packageJson(scripts) })).toEqual([]);
  expect(found({ 'package.json': '{ "scripts": ' })).toEqual([]);
  expect(found({ 'package.json': '{ "scripts": { "test": 7 } }' })).toEqual([]);
});

test.each([
  [
    'Go',
    { 'go.mod': '', 'a_test.go': '' },
    ['build: go build ./...', 'lint: go vet ./...', 'test: go test ./...'],
  ],
  [
    'Rust',
    { 'Cargo.toml': '', 'rustfmt.toml': '' },
    [
      'build: cargo build',
      'lint: cargo clippy --all-targets',
      'test: cargo test',
      'format: cargo fmt --all --check',
    ],
  ],
  [
    'Python with pytest and ruff',
    { 'a.py': '', 'pyproject.toml': '[tool.pytest.ini_options]\n[tool.ruff]\n[tool.mypy]' },
    ['lint: ruff check .', 'typecheck: python3 -m mypy .', 'test: python3 -m pytest -q'],
  ],
  [
    'Python with tests in a folder that is no package',
    { 'a.py': '', 'tests/test_a.py': '' },
    ['test: PYTHONPATH=. python3 -m unittest discover -s tests'],
  ],
  [
    'Maven by its wrapper',
    { 'pom.xml': '', mvnw: '', 'src/test/java/ATest.java': '' },
    ['build: sh ./mvnw -B -q -DskipTests compile', 'test: sh ./mvnw -B -q test'],
  ],
  [
    'Gradle',
    { 'build.gradle.kts': '', 'src/test/java/ATest.java': '' },
    ['build: gradle --no-daemon -q assemble', 'test: gradle --no-daemon --console=plain test'],
  ],
  [
    'make',
    { Makefile: 'CC := gcc\nall: a.o\n\t$(CC) a.o\nlint check:\n\ttrue\ntest = no\n.PHONY: all' },
    ['build: make all', 'lint: make lint', 'test: make check'],
  ],
])('checks of %s are found', (_name, texts, expected) => {
  expect(found(texts as unknown as Record<string, string>)).toEqual(expected);
});

test('targets of make add only the kinds that a language of its own tools lacks', () => {
  const makefile = 'test:\n\tgo test ./...\ncoverage:\n\tgo test -cover ./...\n';

  expect(found({ 'go.mod': '', Makefile: makefile })).toEqual([
    'build: go build ./...',
    'lint: go vet ./...',
    'test: make test',
    'coverage: make coverage',
  ]);
});

test('a Makefile of half a megabyte without a target costs no time', () => {
  const startedAt = performance.now();

  expect(found({ Makefile: `a${' '.repeat(500_000)}` })).toEqual([]);
  expect(performance.now() - startedAt).toBeLessThan(5_000);
});

test('two languages in one repository have each their checks, under names of their own', () => {
  const texts = { 'package.json': packageJson({ build: 'tsc' }), 'go.mod': '' };

  expect(found(texts)).toEqual([
    'build: npm run build',
    'build-go: go build ./...',
    'lint: go vet ./...',
  ]);
});

test('a profile decides what is looked for', () => {
  const texts = { 'package.json': packageJson({ build: 'b', test: 't', audit: 'a' }) };

  expect(found(texts, 'minimal')).toEqual(['build: npm run build']);
  expect(found(texts, 'standard')).toEqual(['build: npm run build', 'test: npm run test']);
  expect(found(texts, 'strict')).toContain('security: npm run audit');
});

test('a linter that can mend what it finds says how', () => {
  const scriptsOf = (lint: string): CommittedFiles => ({
    paths: ['package.json'],
    texts: { 'package.json': packageJson({ lint }) },
  });

  expect(detectGates(scriptsOf('eslint .'), 'standard').gates[0]?.fix).toBe(
    'npx --no-install eslint . --fix',
  );
  expect(detectGates(scriptsOf('eslint . && tsc'), 'standard').gates[0]?.fix).toBeUndefined();
});

test('a repository without checks says what was looked for', () => {
  const { gates, lookedFor } = detectGates({ paths: ['README.md'], texts: {} }, 'strict');

  expect(gates).toEqual([]);
  expect(lookedFor.join('; ')).toMatch(
    /package\.json.*go\.mod.*Cargo\.toml.*Python.*pom\.xml.*Makefile/,
  );
});
