// What real tools wrote becomes findings with file, line, column, code and message.
//   - compilers, linters and test runners of five languages, each from a recorded run (recorded/)
//   - pytest, Maven and linters of Python by the form that their documentation gives
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
])('what %s wrote is read', (name, expected) => {
  expect(read(recorded(name))).toEqual(expected);
});

test('tests of pytest are read from their blocks, or from the summary alone', () => {
  const block = [
    '=================================== FAILURES ===================================',
    '__________________________________ test_plain __________________________________',
    '',
    '    def test_plain():',
    '>       assert add(2, 2) == 4',
    'E       assert 0 == 4',
    'E        +  where 0 = add(2, 2)',
    '',
    'tests/test_calc.py:15: AssertionError',
    '=========================== short test summary info ============================',
    'FAILED tests/test_calc.py::test_plain - assert 0 == 4',
  ].join('\n');
  const summary = 'FAILED tests/test_calc.py::test_plain - assert 0 == 4\n1 failed in 0.02s';

  expect(read(block)).toEqual([
    'pytest tests/test_calc.py:15 AssertionError test_plain: assert 0 == 4',
  ]);
  expect(read(summary)).toEqual(['pytest tests/test_calc.py - test_plain: assert 0 == 4']);
});

test('Maven and the linters of Python are read', () => {
  const text = [
    '[ERROR] src/main/java/A.java:[5,17] cannot find symbol',
    '[ERROR]   ATest.adds:12 expected: <3> but was: <4>',
  ].join('\n');
  const python = [
    "calc.py:1:1: F401 'os' imported but unused",
    'calc.py:5: error: Incompatible return value type  [return-value]',
  ].join('\n');

  expect(read(text)).toEqual([
    'maven src/main/java/A.java:5:17 - cannot find symbol',
    'surefire src/test/java/ATest.java:12 - adds: expected: <3> but was: <4>',
  ]);
  expect(read(python)).toEqual([
    "check calc.py:1:1 F401 'os' imported but unused",
    'check calc.py:5 return-value Incompatible return value type',
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
  ].join('\n');
  const startedAt = performance.now();

  expect(read(hostile)).toHaveLength(1_000);
  expect(performance.now() - startedAt).toBeLessThan(3_000);
});

test.each([
  ['node:test', recorded('node-coverage'), 100],
  ['Istanbul', 'All files |  92.3 |  80 |  75 |  91.25 | 3-5 |', 91.25],
  ['coverage.py', 'Name  Stmts  Miss  Cover\nTOTAL    120    12    90%', 90],
  [
    'Go, the lowest package',
    'ok a coverage: 81.5% of statements\nok b coverage: 70.0% of statements',
    70,
  ],
  ['nothing that is known', 'all went well', undefined],
])('the coverage is read from the table of %s', (_tool, text, percent) => {
  expect(readCoverage(text)).toBe(percent);
});
