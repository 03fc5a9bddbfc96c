import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/**
 * The architecture: what each folder may import. Of `types` (folders) and `typePackages` with `import type` only.
 * tests/, bench/ and tools/ may import anything; nobody imports them.
 */
const mayImport = {
  contracts: { packages: ['zod', '@temporalio/workflow'], typePackages: ['@ai-sdk/provider'] },
  workflows: { folders: ['contracts'], packages: ['@temporalio/workflow', '@temporalio/common'] },
  activities: {
    folders: ['contracts'],
    types: ['adapters'],
    packages: ['@temporalio/activity', '@temporalio/common', 'node:crypto'],
    typePackages: ['@ai-sdk/provider'],
  },
  adapters: {
    folders: ['contracts', 'config'],
    packages: [
      'pg',
      'kysely',
      'node-pg-migrate',
      'ioredis',
      'prom-client',
      'pino',
      '@opentelemetry/.+',
      'yaml',
      'zod',
      '@agentclientprotocol/sdk',
      '@ai-sdk/.+',
      '@pydantic/genai-prices',
      '@temporalio/client',
      '@temporalio/common',
      'node:.+',
    ],
  },
  config: { folders: ['contracts'], packages: ['zod', 'yaml', 'node:.+'] },
  worker: {
    folders: ['contracts', 'activities', 'adapters', 'config'],
    packages: ['@temporalio/worker', '@temporalio/common', 'node:.+'],
  },
  api: {
    folders: ['contracts', 'adapters', 'config'],
    packages: [
      'express',
      'helmet',
      'zod',
      '@asteasolutions/zod-to-openapi',
      'swagger-ui-dist',
      'uuid',
      'node:.+',
    ],
  },
  cli: {
    folders: ['contracts', 'config'],
    packages: [
      'commander',
      '@commander-js/extra-typings',
      '@bomb.sh/tab',
      'log-update',
      'csv-parse',
      'picomatch',
      'yaml',
      'zod',
      'node:.+',
    ],
  },
  dashboard: { types: ['contracts'], packages: ['react', 'react-dom'] },
};

/** Turns one line of the table into a lint rule whose message names what is allowed. */
function importRule([folder, { folders = [], types = [], packages = [], typePackages = [] }]) {
  const typeOnly = [...types, ...typePackages].map((name) => `types of ${name}`);
  const allowed = [...folders, ...packages, ...typeOnly].join(', ');
  const message = `${folder}/ may import ${allowed} (see eslint.config.js).`;
  const closed = [...Object.keys(mayImport), 'tests', 'bench', 'tools'].filter(
    (name) => ![folder, ...folders, ...types].includes(name),
  );
  const inside = (names) => `^(\\.\\./)+(${names.join('|')})/`;
  const named = (names) => `^(${names.join('|')})(/|$)`;
  const foreign = `^(?!\\.)(?!(${[...packages, ...typePackages].join('|')})(/|$))`;
  const patterns = [
    { regex: inside(closed), message },
    { regex: foreign, message },
  ];
  if (types.length > 0) patterns.push({ regex: inside(types), allowTypeImports: true, message });
  if (typePackages.length > 0) {
    patterns.push({ regex: named(typePackages), allowTypeImports: true, message });
  }
  return {
    files: [`${folder}/**/*.{ts,tsx}`],
    ignores: ['**/*.test.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        { patterns: [...patterns, ...(finerImports[folder] ?? [])] },
      ],
    },
  };
}

/** What the table is too coarse for. */
const finerImports = {
  contracts: [
    {
      regex: '^@temporalio/workflow$',
      allowImportNames: ['defineQuery', 'defineSignal', 'defineUpdate'],
      allowTypeImports: true,
      message: 'contracts/ declares messages; it runs nothing of Temporal.',
    },
  ],
  workflows: [
    {
      regex: '\\.schema\\.ts$',
      allowTypeImports: true,
      message: 'Types only: zod stays out of the workflow bundle.',
    },
  ],
};

const environment = [
  ':matches(MemberExpression[property.name="env"], MemberExpression[property.value="env"])[object.name="process"]',
  'ImportDeclaration[source.value=/^(node:)?process$/] ImportSpecifier[imported.name="env"]',
].map((selector) => ({ selector, message: 'Only config/ reads the environment.' }));

const laterImports = [
  {
    selector: 'ImportExpression',
    message: 'Import at the head of the file, where the table sees it.',
  },
];

/** Globals that the workflow sandbox lacks or that would not replay; @temporalio/workflow has what replaces them. */
const workflowGlobals = [
  'Buffer',
  'FinalizationRegistry',
  'WeakRef',
  'console',
  'crypto',
  'fetch',
  'performance',
  'process',
  'queueMicrotask',
  'setImmediate',
  'setInterval',
  'setTimeout',
  'structuredClone',
].map((name) => ({ name, message: 'Not in workflows: it would not replay, or is not there.' }));

const tests = ['tests/**/*.ts', '**/*.test.ts'];

export default defineConfig(
  globalIgnores(['**/dist/', 'coverage/', '.ado/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    rules: {
      'max-lines': ['error', 400],
      'max-depth': ['warn', 3],
      'max-params': ['warn', 3],
      complexity: ['warn', 12],
      eqeqeq: 'error',
    },
  },
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', destructuredArrayIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'no-console': 'error',
      'no-restricted-properties': [
        'error',
        ...['mock', 'doMock', 'unstable_mockModule'].map((property) => ({
          object: 'jest',
          property,
          message: 'Give the code a fake of its port: see tests/support.',
        })),
      ],
      'no-restricted-syntax': ['error', ...environment, ...laterImports],
    },
  },
  { files: ['config/**/*.ts'], rules: { 'no-restricted-syntax': ['error', ...laterImports] } },
  {
    // Commands are loaded when they are asked for: `ado --version` must not pay for all of them.
    files: ['cli/**/*.ts'],
    rules: { 'no-console': 'off', 'no-restricted-syntax': ['error', ...environment] },
  },
  {
    files: ['cli/dev/**/*.ts', 'bench/**/*.ts', 'tools/**/*.ts', ...tests],
    rules: { 'no-restricted-syntax': 'off' },
  },
  {
    files: ['workflows/**/*.ts'],
    rules: { 'no-restricted-globals': ['error', ...workflowGlobals] },
  },
  Object.entries(mayImport).map(importRule),
  {
    files: tests,
    rules: {
      // Jest's asymmetric matchers, such as expect.any(String), are of type any.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      // Fakes of asynchronous ports often have nothing to await.
      '@typescript-eslint/require-await': 'off',
    },
  },
);
