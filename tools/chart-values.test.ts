import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { listChartValues } from './chart-values.ts';

test('a setting is told with its default and the comment above it', () => {
  const text = `
# Of the file, and of no setting.

# -- A group,
# told in two lines.
group:
  # -- First of it.
  first: [1, 'two']
  resources: { requests: { cpu: 1 } }
# -- One setting: nothing is said of its parts.
whole:
  part: ''
  other: {}
plain:
  # -- Of a group that needs no words.
  'quoted': true
`;

  expect(listChartValues(text)).toEqual([
    { key: 'group', meaning: 'A group, told in two lines.' },
    { key: 'group.first', default: "[ 1, 'two' ]", meaning: 'First of it.' },
    {
      key: 'group.resources',
      default: '{ requests: { cpu: 1 } }',
      meaning: 'What a container asks for, and the most it gets.',
    },
    {
      key: 'whole',
      default: "{ part: '', other: {} }",
      meaning: 'One setting: nothing is said of its parts.',
    },
    { key: 'plain.quoted', default: 'true', meaning: 'Of a group that needs no words.' },
  ]);
});

test('settings that nothing is said about are named', () => {
  expect(() => listChartValues('# No meaning.\na: 1\nb:\n  c: {}\n')).toThrow(/what a, b\.c mean/);
});

test('every value of the chart is told, with the default that it has', () => {
  const text = readFileSync(fileURLToPath(new URL('../helm/values.yaml', import.meta.url)), 'utf8');
  const told = new Map<string, unknown>();
  for (const { key, default: fallback } of listChartValues(text))
    if (fallback !== undefined) told.set(key, parse(fallback));

  expect(toldOf(parse(text), '', told)).toEqual(parse(text));
});

/** The values put together again from the rows. */
function toldOf(value: unknown, path: string, told: ReadonlyMap<string, unknown>): unknown {
  if (told.has(path)) return told.get(path);
  if (value === null || typeof value !== 'object') return `${path} is not told`;
  const entries = Object.entries(value).map(([key, part]) => {
    const below = path === '' ? key : `${path}.${key}`;
    return [key, toldOf(part, below, told)] as const;
  });
  return Object.fromEntries(entries);
}
