// docker-compose.yml is the server that ado would start, for those who run it in Docker.
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { tunedSettings } from '../../cli/dev/services/temporal.ts';
import { searchAttributes } from '../../contracts/names.ts';

interface Compose {
  services: Record<string, { command: string[] }>;
  configs: Record<string, { content: string }>;
}

const file = new URL('../../docker-compose.yml', import.meta.url);
// The password is a variable that has to be set: what Compose would ask for is a plain string here.
const compose = parse(readFileSync(file, 'utf8'), { merge: true }) as Compose;

test('Temporal in Docker has the settings of the embedded server', () => {
  const content = parse(compose.configs['temporal']?.content ?? '') as Record<string, unknown>;

  const expected = Object.entries(tunedSettings).map(([key, value]) => [key, [{ value }]]);
  expect(content).toEqual(Object.fromEntries(expected));
});

test('Temporal in Docker knows every search attribute', () => {
  const script = compose.services['temporal-namespace']?.command.join('\n') ?? '';

  const names = /for name in (.*); do/.exec(script)?.[1]?.split(' ');
  expect(names).toEqual(Object.values(searchAttributes));
});
