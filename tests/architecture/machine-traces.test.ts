// No file tells where it was written: no registry of packages, no path of a developer's machine.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** What a file must not hold, by the word that the failure shows. */
const traces: Record<string, RegExp> = {
  'home folder': new RegExp(
    `/(?:Users|home)/(?!(?:ado|agent|node|you|me|somebody)\\b)[a-z]|/(?:root)/|${escaped(homedir())}/`,
  ),
  'this checkout': new RegExp(`${escaped(root)}\\b`),
  'npm registry': new RegExp(`\\bregistry\\.npmjs\\.org\\b|${escaped(registryHost())}`),
  'package address': /"resolved": ?"https?:|\bhttps?:\/\/\S+\.tgz\b/,
};

test('no file holds the host of a registry or a path of the machine it was written on', () => {
  const found = sources().flatMap((file) => tracesIn(file).map((trace) => `${file}: ${trace}`));

  expect(found).toEqual([]);
});

/** The files under version control, and those that are about to be. */
function sources(): string[] {
  const options = ['--cached', '--others', '--exclude-standard', '--deduplicate', '-z'];
  return run('git', ['ls-files', ...options])
    .split('\0')
    .filter((file) => file !== '');
}

function tracesIn(file: string): string[] {
  const text = textOf(file);
  return Object.entries(traces).flatMap(([name, pattern]) => {
    const match = pattern.exec(text);
    return match === null ? [] : [`${name} (${match[0]})`];
  });
}

/** The text of a file; empty for binaries, links to nowhere and files deleted but not yet committed. */
function textOf(file: string): string {
  try {
    const text = readFileSync(`${root}/${file}`, 'utf8');
    return text.includes('\0') ? '' : text;
  } catch {
    return '';
  }
}

function registryHost(): string {
  return new URL(run('npm', ['config', 'get', 'registry']).trim()).host;
}

function run(command: string, args: string[]): string {
  return execFileSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
