import type { AppError } from '../contracts/errors.ts';
import { findClosestWord } from './closest-word.ts';
import { projectConfigSchema, toSetting, userConfigSchema } from './cli-config.ts';
import { readCliEnvironment } from './cli-environment.ts';
import { parseYamlFile } from './yaml-file.ts';

function problemsIn(
  text: string,
  schema: typeof projectConfigSchema | typeof userConfigSchema,
): string[] {
  try {
    parseYamlFile({ path: 'f.yaml', text, variables: {} }, schema);
    return [];
  } catch (error) {
    return (error as AppError).problems.map(({ path, message }) => `${path}: ${message}`);
  }
}

it('an empty file is a file without settings', () => {
  expect(
    parseYamlFile({ path: 'f', text: '# nothing\n', variables: {} }, projectConfigSchema),
  ).toEqual({});
});

it('variables are filled in, with defaults, inside other text, and not where they are escaped', () => {
  const text = 'exec: "${A} ${B:-b} ${C:-} $${D} $E"\nrepositories: ["${A}/x"]\n';

  expect(
    parseYamlFile({ path: 'f', text, variables: { A: 'a', C: '' } }, projectConfigSchema),
  ).toEqual({
    exec: 'a b  ${D} $E',
    repositories: ['a/x'],
  });
});

it('every mistake is told with its line and key, and a suggestion where a key is unknown', () => {
  expect(problemsIn('parallel: 0\n\ngate: {}\ntimeout: soon\n', projectConfigSchema)).toEqual([
    expect.stringMatching(/^f\.yaml:1: parallel: /),
    'f.yaml:4: timeout: a duration is a number and ms, s, m, h or d, such as 30m',
    'f.yaml:3: unknown key "gate"; did you mean "gates"?',
  ]);
});

it('mistakes inside a context are found at their own line', () => {
  const text = 'contexts:\n  one:\n    url: http://x\n    keyenv: K\n  Two:\n    url: ftp://y\n';

  expect(problemsIn(text, userConfigSchema)).toEqual(
    expect.arrayContaining([
      'f.yaml:4: unknown key "contexts.one.keyenv"; did you mean "keyEnv"?',
      expect.stringMatching(/^f\.yaml:[56]: contexts\.Two/),
    ]),
  );
});

it('broken YAML and missing variables are told with their line', () => {
  expect(problemsIn('a: [\n', projectConfigSchema)[0]).toMatch(/^f\.yaml:[12]: /);
  expect(problemsIn('parallel: 3\nexec: ${NOPE}\n', projectConfigSchema)).toEqual([
    'f.yaml:2: exec: the variable NOPE is not set; write ${NOPE:-default} to do without',
  ]);
});

it('words of the command line become values of the right kind', () => {
  expect(toSetting('parallel', '20')).toEqual({ path: ['defaults', 'parallel'], value: 20 });
  expect(toSetting('failureBudget', '10%')).toEqual({
    path: ['defaults', 'failureBudget'],
    value: '10%',
  });
  expect(toSetting('publish', 'true')).toEqual({ path: ['defaults', 'publish'], value: true });
  expect(() => toSetting('publish', 'maybe')).toThrow(
    '"maybe" is no value for publish: true or false',
  );
  expect(toSetting('context', 'staging')).toEqual({ path: ['current'], value: 'staging' });
  expect(() => toSetting('parallel', 'many')).toThrow('"many" is no value for parallel');
});

it('a near word is suggested, a far one is not', () => {
  expect(findClosestWord('paralel', ['parallel', 'priority'])).toBe('parallel');
  expect(findClosestWord('rnu', ['run', 'plan'])).toBe('run');
  expect(findClosestWord('xyz', ['run', 'plan'])).toBeUndefined();
});

it('the environment says where the files are and what ado is called', () => {
  const env = { HOME: '/home/me', ADO_LAUNCHER: '/src/ado/ado', ADO_CONTEXT: '' };

  expect(readCliEnvironment(env, '/src/ado')).toMatchObject({
    userConfigPath: '/home/me/.config/ado/config.yaml',
    command: './ado',
    contextName: undefined,
  });
  expect(readCliEnvironment({ ...env, XDG_CONFIG_HOME: '/etc/xdg' }, '/elsewhere')).toMatchObject({
    userConfigPath: '/etc/xdg/ado/config.yaml',
    command: '/src/ado/ado',
  });
});
