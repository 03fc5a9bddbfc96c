// The home of a program agent.
//   - it is made whole or not at all; what was broken off is made anew
//   - a later turn finds what the agent left, and nothing is written to it
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAgentHome } from './agent-home.ts';

let slot: string;
beforeEach(() => {
  slot = mkdtempSync(join(tmpdir(), 'ado-test-home-'));
});
afterEach(() => {
  rmSync(slot, { recursive: true });
});

const open = (files: Readonly<Record<string, string>>) =>
  openAgentHome({ path: join(slot, 'tree'), headCommit: 'c' }, files);

test('a home whose making was broken off is made anew, and whole', () => {
  expect(() => open({ settings: '{}', 'settings/more': 'no folder' })).toThrow();

  const { path, isNew } = open({ '.agent/settings': '{}' });

  expect(isNew).toBe(true);
  expect(readFileSync(join(path, '.agent/settings'), 'utf8')).toBe('{}');
});

test('a later turn finds what the agent left', () => {
  const { path } = open({ settings: '{}' });
  writeFileSync(join(path, 'settings'), 'changed');

  expect(open({ settings: '{}' })).toEqual({ path, isNew: false });
  expect(readFileSync(join(path, 'settings'), 'utf8')).toBe('changed');
});
