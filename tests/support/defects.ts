/** Real defects in real small packages: what the package is, what a change breaks, and what mends it or does not. */
import type { Tool } from './toolchains.ts';

/** Files by path. */
export type Files = Readonly<Record<string, string>>;

/** One defect. */
export interface Defect {
  readonly name: string;
  /** Programs of the machine that its checks need. */
  readonly needs: readonly Tool[];
  /** The package as it was: its checks pass. */
  readonly package: Files;
  readonly profile: 'minimal' | 'standard';
  /** The change that breaks it, a repair that does not mend it, and one that does. */
  readonly broken: Files;
  readonly wrong: Files;
  readonly right: Files;
  /** The first finding: gate, file, line, code. */
  readonly finding: {
    readonly gate: string;
    readonly file: string;
    readonly line: number;
    readonly code?: string;
  };
}

const script = (scripts: Files, more: object = {}): Files => ({
  'package.json': JSON.stringify({ name: 'small', type: 'module', scripts, ...more }),
});

const sumTest = `import test from 'node:test';
import assert from 'node:assert';
import { sum } from './sum.js';

test('adds', () => {
  assert.equal(sum(1, 2), 3);
});
`;

const goModule = 'module example.com/small\n\ngo 1.21\n';
const cargo = '[package]\nname = "small"\nversion = "0.1.0"\nedition = "2021"\n';
const ignored = { '.gitignore': 'target\n*.class\n' };

/** Ten of them, in JavaScript, TypeScript, Go, Python, Rust and Java. */
export const defects: readonly Defect[] = [
  {
    name: 'a failing test of node:test',
    needs: [],
    package: {
      ...script({ test: 'node --test' }),
      'sum.test.js': sumTest,
      'sum.js': 'export const sum = (a, b) => a + b;\n',
    },
    profile: 'standard',
    broken: { 'sum.js': 'export const sum = (a, b) => a - b;\n' },
    wrong: { 'sum.js': 'export const sum = (a, b) => a * b;\n' },
    right: { 'sum.js': 'export const sum = (a, b) => b + a;\n' },
    finding: { gate: 'test', file: 'sum.test.js', line: 6, code: 'ERR_ASSERTION' },
  },
  {
    name: 'a type error of TypeScript',
    needs: [],
    package: {
      ...script({ typecheck: 'tsc --noEmit -p .' }),
      'tsconfig.json': '{ "compilerOptions": { "strict": true, "types": [] }, "include": ["src"] }',
      'src/name.ts': "export const name: string = 'ado';\n",
    },
    profile: 'standard',
    broken: { 'src/name.ts': '// A number.\nexport const name: string = 7;\n' },
    wrong: { 'src/name.ts': '// A number.\n\nexport const name: string = 7 + 1;\n' },
    right: { 'src/name.ts': 'export const name: string = String(7);\n' },
    finding: { gate: 'typecheck', file: 'src/name.ts', line: 2, code: 'TS2322' },
  },
  {
    name: 'an error of ESLint',
    needs: [],
    package: {
      ...script({ lint: 'eslint .' }),
      'eslint.config.js': "export default [{ rules: { eqeqeq: 'error', 'no-undef': 'error' } }];\n",
      'src/is.js': 'export const isOne = (n) => n === 1;\n',
    },
    profile: 'standard',
    broken: { 'src/is.js': 'export const isOne = (n) => n == 1;\n' },
    wrong: { 'src/is.js': 'export const isOne = (n) => one === n;\n' },
    right: { 'src/is.js': 'export const isOne = (n) => Object.is(n, 1);\n' },
    finding: { gate: 'lint', file: 'src/is.js', line: 1, code: 'eqeqeq' },
  },
  {
    name: 'a build that cannot read its source',
    needs: [],
    package: {
      ...script({ build: 'node --check src/main.js' }),
      'src/main.js': 'export const a = 1;\n',
    },
    profile: 'minimal',
    broken: { 'src/main.js': 'export const a = 1;\nexport const b = (a;\n' },
    wrong: { 'src/main.js': 'export const a = 1;\nexport const b = a);\n' },
    right: { 'src/main.js': 'export const a = 1;\nexport const b = (a);\n' },
    finding: { gate: 'build', file: 'src/main.js', line: 2, code: 'SyntaxError' },
  },
  {
    name: 'a build of Go',
    needs: ['go'],
    package: {
      'go.mod': goModule,
      'sum/sum.go': 'package sum\n\nfunc Sum(a, b int) int { return a + b }\n',
    },
    profile: 'minimal',
    broken: { 'sum/sum.go': 'package sum\n\nfunc Sum(a, b int) int { return a + c }\n' },
    wrong: { 'sum/sum.go': 'package sum\n\nfunc Sum(a, b int) int { return "a" }\n' },
    right: { 'sum/sum.go': 'package sum\n\nfunc Sum(a, b int) int { return b + a }\n' },
    finding: { gate: 'build', file: 'sum/sum.go', line: 3 },
  },
  {
    name: 'a finding of go vet',
    needs: ['go'],
    package: {
      'go.mod': goModule,
      'self.go': 'package small\n\nvar X int\n\nfunc Set(n int) { X = n }\n',
    },
    profile: 'standard',
    broken: { 'self.go': 'package small\n\nvar X int\n\nfunc Set(n int) { X = X }\n' },
    wrong: { 'self.go': 'package small\n\nvar X int\n\nfunc Set(n int) { n = n }\n' },
    right: { 'self.go': 'package small\n\nvar X int\n\nfunc Set(n int) { X = -n }\n' },
    finding: { gate: 'lint', file: 'self.go', line: 5 },
  },
  {
    name: 'a failing test of Python',
    needs: ['python3'],
    package: {
      'calc.py': 'def add(a, b):\n    return a + b\n',
      'tests/test_calc.py':
        'import unittest\nfrom calc import add\n\n\nclass Calc(unittest.TestCase):\n    def test_add(self):\n        self.assertEqual(add(1, 2), 3)\n',
    },
    profile: 'standard',
    broken: { 'calc.py': 'def add(a, b):\n    return a - b\n' },
    wrong: { 'calc.py': 'def add(a, b):\n    raise ValueError(a)\n' },
    right: { 'calc.py': 'def add(a, b):\n    return b + a\n' },
    finding: { gate: 'test', file: 'tests/test_calc.py', line: 7, code: 'AssertionError' },
  },
  {
    name: 'a build of Rust',
    needs: ['cargo'],
    package: {
      ...ignored,
      'Cargo.toml': cargo,
      'src/lib.rs': 'pub fn add(a: i32, b: i32) -> i32 {\n    a + b\n}\n',
    },
    profile: 'minimal',
    broken: { 'src/lib.rs': 'pub fn add(a: i32, b: i32) -> i32 {\n    "sum"\n}\n' },
    wrong: { 'src/lib.rs': 'pub fn add(a: i32, b: i32) -> i32 {\n    missing(a)\n}\n' },
    right: { 'src/lib.rs': 'pub fn add(a: i32, b: i32) -> i32 {\n    b + a\n}\n' },
    finding: { gate: 'build', file: 'src/lib.rs', line: 2, code: 'E0308' },
  },
  {
    name: 'a failing test of Rust',
    needs: ['cargo'],
    package: { ...ignored, 'Cargo.toml': cargo, 'src/lib.rs': rust('a + b') },
    profile: 'standard',
    broken: { 'src/lib.rs': rust('a - b') },
    wrong: { 'src/lib.rs': rust('a * b') },
    right: { 'src/lib.rs': rust('b + a') },
    finding: { gate: 'test', file: 'src/lib.rs', line: 9, code: 'panic' },
  },
  {
    name: 'a build of Java by make',
    needs: ['javac', 'make'],
    package: { ...ignored, Makefile: 'build:\n\tjavac Calc.java\n', 'Calc.java': java('a + b') },
    profile: 'minimal',
    broken: { 'Calc.java': java('a + c') },
    wrong: { 'Calc.java': java('"sum"') },
    right: { 'Calc.java': java('b + a') },
    finding: { gate: 'build', file: 'Calc.java', line: 3 },
  },
];

function rust(body: string): string {
  return `pub fn add(a: i32, b: i32) -> i32 {
    ${body}
}

#[cfg(test)]
mod tests {
    #[test]
    fn adds() {
        assert_eq!(super::add(1, 2), 3);
    }
}
`;
}

function java(body: string): string {
  return `public class Calc {
    static int add(int a, int b) {
        return ${body};
    }
}
`;
}
