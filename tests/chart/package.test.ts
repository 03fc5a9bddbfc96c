// The chart as it is published: what its page shows, and that a package can be made again by whoever doubts it.
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import packageJson from '../../package.json' with { type: 'json' };
import { runProgram } from '../../cli/dev/programs/run-program.ts';
import { chartFolder, type Tree } from '../support/kube/rendered-chart.ts';
import { runTool } from '../support/kube/tools.ts';

const chart = parse(readFileSync(join(chartFolder, 'Chart.yaml'), 'utf8')) as {
  readonly version: string;
  readonly appVersion: string;
  readonly annotations: Readonly<Record<string, string>>;
};
const values = parse(readFileSync(join(chartFolder, 'values.yaml'), 'utf8')) as Tree;

test('chart and application have the version of the package', () => {
  expect([chart.version, chart.appVersion]).toEqual([packageJson.version, packageJson.version]);
});

test('the images that are named are those of the values', () => {
  const named = parse(chart.annotations['artifacthub.io/images'] ?? '') as readonly Named[];

  expect(named.map(({ image }) => image).sort()).toEqual(imagesIn(values).sort());
  expect(new Set(named.map(({ name }) => name)).size).toBe(named.length);
});

test('every change has a kind that readers know, and says what it is', () => {
  const changes = parse(chart.annotations['artifacthub.io/changes'] ?? '') as readonly Tree[];

  expect(changes).not.toEqual([]);
  for (const change of changes) {
    expect(change).toEqual({
      kind: expect.stringMatching(/^(added|changed|fixed)$/) as string,
      description: expect.stringMatching(/^[A-Z].*\.$/) as string,
    });
  }
});

test('the licence is that of the package', () => {
  expect(chart.annotations['artifacthub.io/license']).toBe(packageJson.license);
});

test('two packages of one tree are the same, byte for byte, when its files have one time', async () => {
  const first = await packageCopy();
  const second = await packageCopy();

  expect(sha256(second)).toBe(sha256(first));
  // No entry has the time at which it was packed.
  const args = ['--utc', '--full-time', '-tvzf', first];
  const { stdout } = await runProgram('tar', args, { env: process.env });
  const entries = stdout.trim().split('\n');
  expect(entries.filter((entry) => !entry.includes('2023-11-14 22:13:20'))).toEqual([]);
  const files = entries.map((entry) => entry.split(' ').at(-1));
  expect(files).toEqual(
    expect.arrayContaining(['ado/Chart.yaml', 'ado/README.md', 'ado/values.schema.json']),
  );
  expect(files.filter((file) => /\/(ci|profiles)\//.test(file ?? ''))).toEqual([]);
});

interface Named {
  readonly name: string;
  readonly image: string;
}

/** The images of the values, without a registry: what has a repository and a tag, and what is a whole name. */
function imagesIn(tree: Tree): string[] {
  const own =
    typeof tree['repository'] === 'string'
      ? [`${tree['repository']}:${String(tree['tag'] === '' ? chart.appVersion : tree['tag'])}`]
      : [];
  const children = Object.entries(tree).flatMap(([key, value]) => {
    if (key === 'image' && typeof value === 'string') return [value];
    return value !== null && typeof value === 'object' ? imagesIn(value as Tree) : [];
  });
  return [...own, ...children];
}

/** Packages a copy of the chart, as docs/kubernetes.md says. */
async function packageCopy(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'ado-test-package-'));
  const copy = join(folder, 'ado');
  cpSync(chartFolder, copy, { recursive: true });
  const touch = ['-exec', 'touch', '-d', '@1700000000', '{}', '+'];
  await runProgram('find', [copy, ...touch], { env: process.env });
  await runTool('helm', ['package', copy, '--destination', folder]);
  return join(folder, `ado-${chart.version}.tgz`);
}

function sha256(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
