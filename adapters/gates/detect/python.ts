/** Checks of Python packages: the test runner, linters and type checker that the repository configures. */
import type { CommittedFiles } from '../../ports.ts';
import type { Candidate } from './ecosystem.ts';

const isTest = (path: string): boolean => /(^|\/)(test_[^/]*|[^/]*_test)\.py$/.test(path);

/** Finds them. */
export function findPython(files: CommittedFiles): Candidate[] {
  const { paths, texts } = files;
  if (!paths.some((path) => path.endsWith('.py'))) return [];
  const has = (path: string): boolean => paths.includes(path);
  /** The first file that is there, or whose text holds the words. */
  const told = (names: readonly string[], words: Readonly<Record<string, string>>) =>
    names.find(has) ?? Object.keys(words).find((name) => texts[name]?.includes(words[name] ?? ''));
  const found: Candidate[] = [];
  const add = (
    source: string | undefined,
    check: Pick<Candidate, 'kind' | 'command' | 'fix'>,
  ): void => {
    if (source !== undefined) found.push({ source, ...check });
  };

  const ruff = told(['ruff.toml', '.ruff.toml'], { 'pyproject.toml': '[tool.ruff' });
  const flake8 = told(['.flake8'], { 'setup.cfg': '[flake8]', 'tox.ini': '[flake8]' });
  add(ruff, { kind: 'lint', command: 'ruff check .', fix: 'ruff check --fix .' });
  if (ruff === undefined) add(flake8, { kind: 'lint', command: 'python3 -m flake8' });
  const mypy = told(['mypy.ini', '.mypy.ini'], {
    'pyproject.toml': '[tool.mypy',
    'setup.cfg': '[mypy',
  });
  add(mypy, { kind: 'typecheck', command: 'python3 -m mypy .' });
  found.push(...testsOf(files, told));
  const bandit = told(['.bandit'], { 'pyproject.toml': '[tool.bandit' });
  add(bandit, { kind: 'security', command: 'python3 -m bandit -q -r . -lll' });
  return found;
}

function testsOf(
  { paths }: CommittedFiles,
  told: (names: readonly string[], words: Readonly<Record<string, string>>) => string | undefined,
): Candidate[] {
  const tests = paths.filter(isTest);
  const pytest =
    told(['pytest.ini', 'conftest.py', 'tests/conftest.py'], {
      'pyproject.toml': '[tool.pytest',
      'setup.cfg': '[tool:pytest]',
      'tox.ini': '[pytest]',
    }) ??
    (tests.length === 0
      ? undefined
      : told([], {
          'requirements-dev.txt': 'pytest',
          'requirements.txt': 'pytest',
          'pyproject.toml': 'pytest',
        }));
  if (pytest !== undefined) {
    const coverage = told(['.coveragerc'], {
      'pyproject.toml': '[tool.coverage',
      'setup.cfg': '[coverage:',
    });
    return [
      { kind: 'test', command: 'python3 -m pytest -q', source: pytest },
      ...(coverage === undefined
        ? []
        : [
            {
              kind: 'coverage' as const,
              command: 'python3 -m pytest -q --cov',
              source: coverage,
            },
          ]),
    ];
  }
  const [first] = tests;
  if (first === undefined) return [];
  // What is in no package is not found from the root.
  const folder = first.includes('/') ? (first.split('/')[0] ?? '') : '';
  const isPackage = folder === '' || paths.includes(`${folder}/__init__.py`);
  const where = isPackage ? '' : ` -s ${folder}`;
  if (!/^[\w.-]*$/.test(folder)) return [];
  const command = `PYTHONPATH=. python3 -m unittest discover${where}`;
  return [{ kind: 'test', command, source: first }];
}
