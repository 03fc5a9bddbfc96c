/** Packages that ship ES modules only. Jest runs CommonJS, so these are translated like our own sources. */
const esmPackages = [
  '@ai-sdk/[a-z-]+',
  // what the providers' clients stand on
  '@workflow/serde',
  'eventsource-parser',
  '@bomb.sh/tab',
  '@commander-js/extra-typings',
  'commander',
  'kysely',
  'node-pg-migrate',
  'uuid',
  // imports Node's HTTP client when it is first needed
  '@opentelemetry/otlp-exporter-base',
  // log-update and what it stands on
  'log-update',
  'ansi-(?:escapes|regex|styles)',
  'cli-cursor',
  'environment',
  'get-east-asian-width',
  'is-fullwidth-code-point',
  'mimic-function',
  'onetime',
  'restore-cursor',
  'slice-ansi',
  'string-width',
  'strip-ansi',
  'wrap-ansi',
];

const swcOptions = {
  jsc: { target: 'es2024', parser: { syntax: 'typescript' } },
  module: { type: 'commonjs' },
};

const common = {
  testEnvironment: 'node',
  transform: { '\\.m?[jt]s$': ['@swc/jest', swcOptions] },
  transformIgnorePatterns: [`/node_modules/(?!(?:${esmPackages.join('|')})/)`],
  // The providers' clients name this file by its path, and so get the one for ES modules.
  moduleNameMapper: { '^zod/v4/locales/en\\.js$': '<rootDir>/node_modules/zod/v4/locales/en.cjs' },
  setupFiles: ['<rootDir>/tests/support/node-errors.ts'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.ado/'],
};

/** PostgreSQL, Redis and Temporal, started once for all projects of a run. */
const services = {
  globalSetup: '<rootDir>/tests/support/global-setup.ts',
  globalTeardown: '<rootDir>/tests/support/global-teardown.ts',
};

/** The tests of one folder of tests/. */
const folder = (name, options = {}) => ({
  ...common,
  ...options,
  displayName: name,
  testMatch: [`<rootDir>/tests/${name}/**/*.test.ts`],
});

/** One project per kind of test: `npm run test:<displayName>`. */
export default {
  // A loaded machine is slow; what hangs, hangs longer than this.
  testTimeout: 120_000,
  projects: [
    {
      ...common,
      displayName: 'unit',
      testMatch: ['<rootDir>/**/*.test.ts'],
      testPathIgnorePatterns: ['/node_modules/', '<rootDir>/tests/', '<rootDir>/dashboard/'],
    },
    folder('architecture'),
    folder('replay'),
    folder('chart'),
    folder('integration', services),
    folder('workflow', services),
    folder('e2e', services),
    folder('faults', services),
    folder('kube'),
    folder('image', services),
    folder('agents', services),
  ],
};
