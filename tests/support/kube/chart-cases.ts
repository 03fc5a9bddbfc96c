/** The ways to install the chart that are looked at in all tests that hold for every one of them. */
import { readdirSync } from 'node:fs';
import { chartFolder, type RenderOptions } from './rendered-chart.ts';

/** Values that a profile leaves to who installs it. */
const missingValues = {
  secrets: { existingSecret: 'ado-secrets', generate: false },
  postgresql: { external: { host: 'db.example.com' } },
  redis: { external: { host: 'redis.example.com' } },
};

/** Every profile, every file of ci/, nothing but a Secret, and names as long as they may be. */
export const chartCases: readonly (readonly [string, RenderOptions])[] = [
  ['nothing but a secret', { values: { secrets: { existingSecret: 'ado-secrets' } } }],
  ['made passwords', { values: { secrets: { generate: true } } }],
  ...filesOf('ci').map((file) => [file, { files: [file] }] as const),
  ...filesOf('profiles').map((file) => [file, profileOptions(file)] as const),
  [
    'long names',
    {
      release: 'a-release-whose-name-is-as-long-as-helm-takes-it-1234',
      files: ['ci/operators-values.yaml'],
      values: {
        workerPools: { 'agents-for-very-large-monorepo': { pools: ['agents'], slots: 2 } },
        postgresql: { mode: 'bundled', backup: { enabled: true } },
        temporal: { mode: 'split' },
      },
    },
  ],
];

function filesOf(folder: string): readonly string[] {
  return readdirSync(`${chartFolder}/${folder}`)
    .sort()
    .map((file) => `${folder}/${file}`);
}

function profileOptions(file: string): RenderOptions {
  const outside = file.includes('quarantine') ? { temporal: { address: 'temporal:7233' } } : {};
  return { files: [file], values: { ...missingValues, ...outside } };
}
