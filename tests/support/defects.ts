/** Real defects in real small packages: what the package is, what a change breaks, and what mends it or does not. */
import type { Tool } from './toolchains.ts';

/** Files by path. */
export type Files = Readonly<Record<string, string>>;

/** One defect: a file of a package that is changed. */
export interface Defect {
  readonly name: string;
  /** Programs of the machine that its checks need. */
  readonly needs: readonly Tool[];
  readonly profile: 'minimal' | 'standard';
  /** The package without the file. */
  readonly files: Files;
  readonly path: string;
  /** The file around what differs in it. */
  readonly text: (body: string) => string;
  /** With `good` its checks pass; `broken` brings the defect in, `wrong` does not mend it, `right` does. */
  readonly bodies: Readonly<Record<'good' | 'broken' | 'wrong' | 'right', string>>;
  /** The first finding: gate, file, line, code. */
  readonly finding: {
    readonly gate: string;
    readonly file: string;
    readonly line: number;
    readonly code?: string;
  };
}

/** Two numbers are added; or not. */
const sums = { good: 'a + b', broken: 'a - b', wrong: 'a * b', right: 'b + a' };
/** They are added to what is not there. */
const sumsThatBuild = { ...sums, broken: 'a + c', wrong: '"sum"' };

const script = (scripts: Files): Files => ({
  'package.json': JSON.stringify({ name: 'small', type: 'module', scripts }),
});

const sumTest = `import test from 'node:test';
import assert from 'node:assert';
import { sum } from './sum.js';

test('adds', () => {
  assert.equal(sum(1, 2), 3);
});
`;
const goModule = { 'go.mod': 'module example.com/small\n\ngo 1.21\n' };
const cargo = {
  '.gitignore': 'target\n',
  'Cargo.toml': '[package]\nname = "small"\nversion = "0.1.0"\nedition = "2021"\n',
};
const python = (body: string): string => `def add(a, b):\n    return ${body}\n`;
const typedPython = (body: string): string =>
  `def add(a: int, b: int) -> int:\n    return ${body}\n`;
const java = (body: string): string => `package small;

public class Calc {
    public static int add(int a, int b) {
        return ${body};
    }
}
`;
const javaTest = `package small;

import static org.junit.Assert.assertEquals;
import org.junit.Test;

public class CalcTest {
    @Test
    public void adds() {
        assertEquals(3, Calc.add(1, 2));
    }
}
`;
/** Without a network, from Debian's packages. */
const maven = {
  '.gitignore': 'target\n',
  '.mvn/maven.config': '-o\n-Dmaven.repo.local=/usr/share/maven-repo\n',
  'pom.xml': `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>com.example</groupId>
  <artifactId>small</artifactId>
  <version>1</version>
  <properties>
    <maven.compiler.source>17</maven.compiler.source>
    <maven.compiler.target>17</maven.compiler.target>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
  <dependencies>
    <dependency>
      <groupId>junit</groupId>
      <artifactId>junit</artifactId>
      <version>4.x</version>
      <scope>test</scope>
    </dependency>
  </dependencies>
</project>
`,
};
const gradle = {
  '.gitignore': 'build\n.gradle\n',
  'settings.gradle': "rootProject.name = 'small'\n",
  'build.gradle': `apply plugin: 'java'

dependencies {
    testCompile files('/usr/share/java/junit4.jar', '/usr/share/java/hamcrest.jar')
}
`,
};

/** In JavaScript, TypeScript, Go, Python, Rust and Java. */
export const defects: readonly Defect[] = [
  {
    name: 'a failing test of node:test',
    needs: [],
    profile: 'standard',
    files: { ...script({ test: 'node --test' }), 'sum.test.js': sumTest },
    path: 'sum.js',
    text: (body) => `export const sum = (a, b) => ${body};\n`,
    bodies: sums,
    finding: { gate: 'test', file: 'sum.test.js', line: 6, code: 'ERR_ASSERTION' },
  },
  {
    name: 'a type error of TypeScript',
    needs: [],
    profile: 'standard',
    files: {
      ...script({ typecheck: 'tsc --noEmit -p .' }),
      'tsconfig.json': '{ "compilerOptions": { "strict": true, "types": [] }, "include": ["src"] }',
    },
    path: 'src/name.ts',
    text: (body) => `// A name.\nexport const name: string = ${body};\n`,
    bodies: { good: "'ado'", broken: '7', wrong: '7 + 1', right: 'String(7)' },
    finding: { gate: 'typecheck', file: 'src/name.ts', line: 2, code: 'TS2322' },
  },
  {
    name: 'an error of ESLint',
    needs: [],
    profile: 'standard',
    files: {
      ...script({ lint: 'eslint .' }),
      'eslint.config.js': "export default [{ rules: { eqeqeq: 'error', 'no-undef': 'error' } }];\n",
    },
    path: 'src/is.js',
    text: (body) => `export const isOne = (n) => ${body};\n`,
    bodies: { good: 'n === 1', broken: 'n == 1', wrong: 'one === n', right: 'Object.is(n, 1)' },
    finding: { gate: 'lint', file: 'src/is.js', line: 1, code: 'eqeqeq' },
  },
  {
    name: 'a build that cannot read its source',
    needs: [],
    profile: 'minimal',
    files: script({ build: 'node --check src/main.js' }),
    path: 'src/main.js',
    text: (body) => `export const a = 1;\nexport const b = ${body};\n`,
    bodies: { good: 'a', broken: '(a', wrong: 'a)', right: '(a)' },
    finding: { gate: 'build', file: 'src/main.js', line: 2, code: 'SyntaxError' },
  },
  {
    name: 'a build of Go',
    needs: ['go'],
    profile: 'minimal',
    files: goModule,
    path: 'sum/sum.go',
    text: (body) => `package sum\n\nfunc Sum(a, b int) int { return ${body} }\n`,
    bodies: sumsThatBuild,
    finding: { gate: 'build', file: 'sum/sum.go', line: 3 },
  },
  {
    name: 'a finding of go vet',
    needs: ['go'],
    profile: 'standard',
    files: goModule,
    path: 'self.go',
    text: (body) => `package small\n\nvar X int\n\nfunc Set(n int) { ${body} }\n`,
    bodies: { good: 'X = n', broken: 'X = X', wrong: 'n = n', right: 'X = -n' },
    finding: { gate: 'lint', file: 'self.go', line: 5 },
  },
  {
    name: 'a failing test of unittest',
    needs: ['python3'],
    profile: 'standard',
    files: {
      'tests/test_calc.py':
        'import unittest\nfrom calc import add\n\n\nclass Calc(unittest.TestCase):\n    def test_add(self):\n        self.assertEqual(add(1, 2), 3)\n',
    },
    path: 'calc.py',
    text: python,
    bodies: { ...sums, wrong: '[][a]' },
    finding: { gate: 'test', file: 'tests/test_calc.py', line: 7, code: 'AssertionError' },
  },
  {
    name: 'a failing test of pytest',
    needs: ['pytest'],
    profile: 'standard',
    files: {
      'conftest.py': '',
      'tests/test_calc.py':
        'from calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n',
    },
    path: 'calc.py',
    text: python,
    bodies: { ...sums, wrong: '[][a]' },
    finding: { gate: 'test', file: 'tests/test_calc.py', line: 5, code: 'AssertionError' },
  },
  {
    name: 'a type error of mypy',
    needs: ['mypy'],
    profile: 'standard',
    files: { 'mypy.ini': '[mypy]\nstrict = True\n' },
    path: 'calc.py',
    text: typedPython,
    bodies: { ...sums, broken: '"sum"', wrong: 'a + c' },
    finding: { gate: 'typecheck', file: 'calc.py', line: 2, code: 'return-value' },
  },
  {
    name: 'a finding of flake8',
    needs: ['flake8'],
    profile: 'standard',
    files: { '.flake8': '[flake8]\nmax-line-length = 79\n' },
    path: 'calc.py',
    text: python,
    bodies: { ...sums, broken: 'a + c', wrong: 'a+c' },
    finding: { gate: 'lint', file: 'calc.py', line: 2, code: 'F821' },
  },
  {
    name: 'a build of Rust',
    needs: ['cargo'],
    profile: 'minimal',
    files: cargo,
    path: 'src/lib.rs',
    text: (body) => `pub fn add(a: i32, b: i32) -> i32 {\n    ${body}\n}\n`,
    bodies: { ...sums, broken: '"sum"', wrong: 'missing(a)' },
    finding: { gate: 'build', file: 'src/lib.rs', line: 2, code: 'E0308' },
  },
  {
    name: 'a failing test of Rust',
    needs: ['cargo'],
    profile: 'standard',
    files: cargo,
    path: 'src/lib.rs',
    text: (body) => `pub fn add(a: i32, b: i32) -> i32 {
    ${body}
}

#[cfg(test)]
mod tests {
    #[test]
    fn adds() {
        assert_eq!(super::add(1, 2), 3);
    }
}
`,
    bodies: sums,
    finding: { gate: 'test', file: 'src/lib.rs', line: 9, code: 'panic' },
  },
  {
    name: 'a build of Java by make',
    needs: ['javac', 'make'],
    profile: 'minimal',
    files: { '.gitignore': '*.class\n', Makefile: 'build:\n\tjavac small/Calc.java\n' },
    path: 'small/Calc.java',
    text: java,
    bodies: sumsThatBuild,
    finding: { gate: 'build', file: 'small/Calc.java', line: 5 },
  },
  {
    name: 'a build of Maven',
    needs: ['javac', 'mvn'],
    profile: 'minimal',
    files: maven,
    path: 'src/main/java/small/Calc.java',
    text: java,
    bodies: sumsThatBuild,
    finding: { gate: 'build', file: 'src/main/java/small/Calc.java', line: 5 },
  },
  {
    name: 'a failing test of Maven',
    needs: ['javac', 'mvn'],
    profile: 'standard',
    files: { ...maven, 'src/test/java/small/CalcTest.java': javaTest },
    path: 'src/main/java/small/Calc.java',
    text: java,
    bodies: sums,
    finding: {
      ...{ gate: 'test', file: 'src/test/java/small/CalcTest.java', line: 9 },
      code: 'AssertionError',
    },
  },
  {
    name: 'a failing test of Gradle',
    needs: ['javac', 'gradle'],
    profile: 'standard',
    files: { ...gradle, 'src/test/java/small/CalcTest.java': javaTest },
    path: 'src/main/java/small/Calc.java',
    text: java,
    bodies: sums,
    finding: {
      ...{ gate: 'test', file: 'src/test/java/small/CalcTest.java', line: 9 },
      code: 'AssertionError',
    },
  },
];
