// What real tools wrote becomes findings with file, line, column, code and message.
//   - compilers, linters and test runners of five languages, each from a recorded run (recorded/)
//   - ruff, Surefire from 3 on and Gradle with whole stacks by the form that their documentation gives
//   - anything else by lines `file:line: message`
//   - paths outside of the tree are no place; a hostile output costs no time
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCoverage } from './read-coverage.ts';
import { readFindings } from './read-findings.ts';

const paths = [
  'calc/calc_test.go',
  'other/calc_test.go',
  'CalcTest.java',
  'src/test/java/ATest.java',
  'src/test/java/small/CalcTest.java',
];

function recorded(name: string): string {
  return readFileSync(join(import.meta.dirname, 'recorded', `${name}.txt`), 'utf8').replaceAll(
    '/tree/',
    '',
  );
}

/** `tool file:line:column code message` for each finding; warnings begin with a `?`. */
function read(text: string): string[] {
  return readFindings({ gate: 'check', text, paths }).map((one) => {
    const place = [one.file, one.line, one.column].filter((part) => part !== undefined).join(':');
    const mark = one.severity === 'warning' ? '?' : '';
    return `${mark}${one.tool} ${place} ${one.code ?? '-'} ${one.message}`;
  });
}

test.each([
  [
    'typescript',
    [
      "typescript src/sum.ts:3:18 TS2552 Cannot find name 'undefinedName'. Did you mean 'undefined'?",
      "typescript src/sum.ts:5:14 TS2322 Type 'number' is not assignable to type 'string'.",
    ],
  ],
  [
    'typescript-pretty',
    [
      "typescript src/sum.ts:3:18 TS2552 Cannot find name 'undefinedName'. Did you mean 'undefined'?",
      "typescript src/sum.ts:5:14 TS2322 Type 'number' is not assignable to type 'string'.",
    ],
  ],
  [
    'eslint-stylish',
    [
      "?eslint src/greet.js:2:9 no-unused-vars 'unused' is assigned a value but never used",
      "eslint src/greet.js:3:12 eqeqeq Expected '===' and instead saw '=='",
      "eslint src/greet.js:3:27 no-undef 'who' is not defined",
    ],
  ],
  [
    'eslint-json',
    [
      "?eslint src/greet.js:2:9 no-unused-vars 'unused' is assigned a value but never used.",
      "eslint src/greet.js:3:12 eqeqeq Expected '===' and instead saw '=='.",
      "eslint src/greet.js:3:27 no-undef 'who' is not defined.",
    ],
  ],
  [
    'jest',
    [
      'jest sum.test.js:4:23 - sum › adds: expect(received).toBe(expected) // Object.is equality; Expected: 3; Received: -1',
      'jest broken.test.js:1:10 - Test suite failed to run: SyntaxError: Unexpected token (1:10)',
    ],
  ],
  [
    'vitest',
    [
      "vitest gone.test.js:1:1 - Error: Cannot find module './gone.js' imported from gone.test.js",
      'vitest sum.test.js:5:23 - sum > adds: AssertionError: expected -1 to be 3 // Object.is equality',
    ],
  ],
  [
    'node-tap',
    [
      'node:test sum.test.js:6:10 ERR_ASSERTION adds: -1 == 3',
      'node:test sum.js:2:35 - loads: no loader',
    ],
  ],
  [
    'node-spec',
    [
      'node:test sum.test.js:6:10 ERR_ASSERTION adds: AssertionError [ERR_ASSERTION]: -1 == 3',
      'node:test sum.js:2:35 - loads: TypeError: no loader',
    ],
  ],
  ['node-syntax', ["node src/index.js:2 SyntaxError SyntaxError: Unexpected token ')'"]],
  [
    'go-build',
    [
      'go main.go:3:8 - "os" imported and not used',
      'go main.go:6:6 - declared and not used: n',
      'go main.go:6:14 - cannot use "x" (untyped string constant) as int value in variable declaration',
      'go main.go:7:2 - undefined: missing',
    ],
  ],
  ['go-vet', ['go calc/calc.go:12:31 - fmt.Printf format %s has arg n of wrong type int']],
  [
    'go-test',
    [
      'go test calc/calc_test.go:7 - TestAdd: Add(1, 2) = -1, want 3',
      'go test calc/calc_test.go:11 - TestAdd/zero: got -1',
      'go test calc/calc.go:9 panic panic: runtime error: index out of range [3] with length 0',
    ],
  ],
  [
    'cargo-build',
    [
      'rustc src/lib.rs:2:18 E0308 mismatched types',
      'rustc src/lib.rs:3:5 E0425 cannot find function `missing` in this scope',
    ],
  ],
  [
    'cargo-test',
    [
      '?rustc src/lib.rs:2:9 - unused variable: `unused`',
      'cargo test src/lib.rs:16:14 panic tests::unwraps: called `Option::unwrap()` on a `None` value',
      'cargo test src/lib.rs:11:9 panic tests::adds: assertion `left == right` failed: adding; left: -1; right: 3',
    ],
  ],
  [
    'cargo-clippy',
    [
      '?rustc src/lib.rs:2:9 - unused variable: `unused`',
      '?rustc src/lib.rs:3:5 - unneeded `return` statement',
    ],
  ],
  ['cargo-fmt', ['rustfmt src/lib.rs:1 format not formatted']],
  [
    'unittest',
    [
      "unittest tests/test_calc.py:11 KeyError test_loads (tests.test_calc.CalcTest.test_loads): KeyError: 'missing'",
      'unittest tests/test_calc.py:8 AssertionError test_add (tests.test_calc.CalcTest.test_add): AssertionError: -1 != 3',
    ],
  ],
  [
    'javac',
    [
      'javac Calc.java:3 - cannot find symbol',
      'javac Calc.java:4 - incompatible types: int cannot be converted to String',
      '?javac Calc.java:4 rawtypes found raw type: List',
      '?javac Calc.java:4 rawtypes found raw type: ArrayList',
      '?javac Calc.java:4 unchecked unchecked call to add(E) as a member of the raw type List',
    ],
  ],
  ['java-stack', ['java CalcTest.java:4 AssertionError java.lang.AssertionError: add(1, 2) is -1']],
  [
    'pytest',
    [
      'pytest tests/test_calc.py:22 RuntimeError ERROR at setup of test_fixture: RuntimeError: no fixture today',
      'pytest tests/test_calc.py:7 AssertionError test_add: assert -1 == 3',
      'pytest calc.py:6 ValueError TestLoad.test_loads: ValueError: no file a.txt',
      'pytest tests/test_calc.py:17 AssertionError test_many[1]: assert 1 == 2',
    ],
  ],
  [
    'pytest-short',
    [
      'pytest tests/test_calc.py:22 - ERROR at setup of test_fixture: RuntimeError: no fixture today',
      'pytest tests/test_calc.py:7 - test_add: assert -1 == 3',
      'pytest calc.py:6 - TestLoad.test_loads: ValueError: no file a.txt',
      'pytest tests/test_calc.py:17 - test_many[1]: assert 1 == 2',
    ],
  ],
  [
    'pytest-line',
    [
      'pytest tests/test_calc.py - test_add: assert -1 == 3',
      'pytest tests/test_calc.py - TestLoad::test_loads: ValueError: no file a.txt',
      'pytest tests/test_calc.py - test_many[1]: assert 1 == 2',
      'pytest tests/test_calc.py - test_fixture: RuntimeError: no fixture today',
    ],
  ],
  [
    'pytest-collecting',
    [
      "pytest tests/test_gone.py:1 - ERROR collecting tests/test_gone.py: ModuleNotFoundError: No module named 'gone'",
      'pytest tests/test_syntax.py:1 - ERROR collecting tests/test_syntax.py: SyntaxError: invalid syntax',
    ],
  ],
  [
    'unittest-errors',
    [
      "unittest tests/test_calc.py:22 KeyError test_cause (test_calc.Calc.test_cause): KeyError: 'no key'",
      "unittest tests/test_gone.py:1 ModuleNotFoundError test_gone (unittest.loader._FailedTest.test_gone): ModuleNotFoundError: No module named 'gone'",
      'unittest tests/test_syntax.py:1 SyntaxError test_syntax (unittest.loader._FailedTest.test_syntax): SyntaxError: invalid syntax',
      'unittest tests/test_calc.py:16 AssertionError test_load (test_calc.Calc.test_load): AssertionError: False is not true : loaded: twice',
      'unittest tests/test_calc.py:10 AssertionError test_many (test_calc.Calc.test_many) (n=1): AssertionError: 0 != 2',
      'unittest tests/test_calc.py:10 AssertionError test_many (test_calc.Calc.test_many) (n=2): AssertionError: 1 != 3',
    ],
  ],
  [
    'flake8',
    [
      'check broken.py:1:8 E999 SyntaxError: invalid syntax',
      "check pkg/calc.py:1:1 F401 'os' imported but unused",
      "check pkg/calc.py:10:5 F841 local variable 'l' is assigned to but never used",
      "check pkg/calc.py:10:5 E741 ambiguous variable name 'l'",
      "check pkg/calc.py:11:20 F821 undefined name 'b'",
    ],
  ],
  [
    'mypy',
    [
      'check pkg/calc.py:2 import Cannot find implementation or library stub for module named "gone"',
      'check pkg/calc.py:6 return-value Incompatible return value type (got "str", expected "int")',
      'check pkg/calc.py:9 no-untyped-def Function is missing a type annotation',
      'check pkg/calc.py:11 name-defined Name "b" is not defined',
      'check pkg/calc.py:15 empty-body Missing return statement',
      'check pkg/calc.py:19 override Signature of "f" incompatible with supertype "A"',
      'check pkg/calc.py:20 return-value Incompatible return value type (got "int", expected "str")',
    ],
  ],
  [
    'maven-compile',
    [
      'maven src/main/java/small/Calc.java:5:20 - cannot find symbol',
      'maven src/main/java/small/Calc.java:9:16 - incompatible types: int cannot be converted to java.lang.String',
    ],
  ],
  [
    'maven-test',
    [
      'surefire src/test/java/small/CalcTest.java:35 ComparisonFailure saysMuch: expected:<a [b]> but was:<a [c]>',
      'surefire src/test/java/small/CalcTest.java:20 AssertionError isTrue: AssertionError',
      'surefire src/test/java/small/CalcTest.java AssertionError throwsNothing: Expected exception: java.lang.IllegalStateException',
      'surefire src/test/java/small/CalcTest.java:10 AssertionError adds: expected:<3> but was:<-1>',
      'surefire src/test/java/small/CalcTest.java:15 IllegalStateException loads: no file a.txt',
      'surefire src/test/java/small/CalcTest.java:30 TestTimedOutException takesLong: test timed out after 50 milliseconds',
    ],
  ],
  [
    'gradle-compile',
    [
      'javac src/main/java/small/Calc.java:5 - cannot find symbol',
      'javac src/main/java/small/Calc.java:9 - incompatible types: int cannot be converted to String',
    ],
  ],
  [
    'gradle-test',
    [
      'gradle src/test/java/small/CalcTest.java:35 ComparisonFailure saysMuch: ComparisonFailure',
      'gradle src/test/java/small/CalcTest.java:20 AssertionError isTrue: AssertionError',
      'gradle src/test/java/small/CalcTest.java AssertionError throwsNothing: AssertionError',
      'gradle src/test/java/small/CalcTest.java:10 AssertionError adds: AssertionError',
      'gradle src/test/java/small/CalcTest.java:15 IllegalStateException loads: IllegalStateException',
      'gradle src/test/java/small/CalcTest.java:30 TestTimedOutException takesLong: TestTimedOutException',
    ],
  ],
])('what %s wrote is read', (name, expected) => {
  expect(read(recorded(name))).toEqual(expected);
});

test('Surefire from 3 on, its summary, and Gradle with whole stacks are read', () => {
  const newer = [
    '[ERROR] small.CalcTest.adds -- Time elapsed: 0.03 s <<< FAILURE!',
    'org.opentest4j.AssertionFailedError: expected: <3> but was: <-1>',
    '\tat org.junit.jupiter.api.AssertionUtils.fail(AssertionUtils.java:55)',
    '\tat small.CalcTest.adds(CalcTest.java:10)',
  ].join('\n');
  const summary = [
    '[ERROR]   ATest.adds:12 expected: <3> but was: <4>',
    '[ERROR]   ATest.loads:9->load:20 » IllegalState no file',
    '[ERROR]   ATest.isTrue:20',
  ].join('\n');
  const gradle = [
    'CalcTest > adds() FAILED',
    '    org.opentest4j.AssertionFailedError: expected: <3> but was: <-1>',
    '        at app//small.CalcTest.adds(CalcTest.java:10)',
  ].join('\n');

  expect(read(newer)).toEqual([
    'surefire src/test/java/small/CalcTest.java:10 AssertionFailedError adds: expected: <3> but was: <-1>',
  ]);
  expect(read(summary)).toEqual([
    'surefire src/test/java/ATest.java:12 - adds: expected: <3> but was: <4>',
    'surefire src/test/java/ATest.java:20 - loads: IllegalState no file',
    'surefire src/test/java/ATest.java:20 - isTrue: failed',
  ]);
  expect(read(gradle)).toEqual([
    'gradle src/test/java/small/CalcTest.java:10 AssertionFailedError adds(): expected: <3> but was: <-1>',
  ]);
});

test('findings of ruff are read, with those that it could mend', () => {
  const text = 'calc.py:1:8: F401 [*] `os` imported but unused\ncalc.py:5:1: E501 Line too long';

  expect(read(text)).toEqual([
    'check calc.py:1:8 F401 `os` imported but unused',
    'check calc.py:5:1 E501 Line too long',
  ]);
});

test('of an unknown tool the lines that name a place are read', () => {
  const text = [
    'lib/a.js(3,1): unexpected token',
    './main.c:12:5: warning: unused variable x [-Wunused-variable]',
    '  at Object.<anonymous> (node:internal/main:1:1)',
    '/usr/include/stdio.h:3:1: note: declared here',
    'all went well',
  ].join('\n');

  expect(read(text)).toEqual([
    'check lib/a.js:3:1 - unexpected token',
    '?check main.c:12:5 -Wunused-variable unused variable x',
  ]);
});

test('a line of megabytes, and a million places, cost no time', () => {
  const hostile = [
    `${'a'.repeat(1_000_000)}.ts(`,
    ...Array.from({ length: 50_000 }, (_, line) => `a.c:${line}: x`),
    ...Array.from({ length: 200 }, () => ' '.repeat(1_999)),
    ...Array.from({ length: 200 }, () => `a${' '.repeat(1_990)}`),
    ...Array.from({ length: 200 }, () => '[ERROR] a('.padEnd(1_990, '(')),
    ...Array.from({ length: 200 }, () => `    ${'a.'.repeat(990)}`),
  ].join('\n');
  const startedAt = performance.now();

  expect(read(hostile)).toHaveLength(1_000);
  expect(performance.now() - startedAt).toBeLessThan(3_000);
});

test.each([
  ['carriage returns', '\r'.repeat(250_000)],
  ['blank lines', '\n'.repeat(250_000)],
  ['a total without an end', `TOTAL${' '.repeat(250_000)}`],
])('%s without an end cost no time', (_name, hostile) => {
  const startedAt = performance.now();

  expect(read(hostile)).toEqual([]);
  expect(readCoverage(hostile)).toEqual({});
  expect(performance.now() - startedAt).toBeLessThan(5_000);
});

test.each([
  ['node:test', recorded('node-coverage'), { lines: 100, branches: 100, functions: 100 }],
  [
    'Istanbul',
    'All files |  92.3 |  80 |  75 |  91.25 | 3-5 |',
    { statements: 92.3, branches: 80, functions: 75, lines: 91.25 },
  ],
  ['coverage.py', recorded('pytest-coverage'), { statements: 75 }],
  [
    'Go, the lowest package',
    'ok a coverage: 81.5% of statements\nok b coverage: 70.0% of statements',
    { statements: 70 },
  ],
  ['nothing that is known', 'all went well', {}],
])('the coverage is read from the table of %s', (_tool, text, shares) => {
  expect(readCoverage(text)).toEqual(shares);
});
