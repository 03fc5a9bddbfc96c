import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Reporter } from '../progress.ts';
import { temporalVersions } from '../versions.ts';
import { downloadTemporal } from './temporal-download.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ado-download-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** Downloads the command line from a server that is described by a function; answers whether, and what was asked. */
async function download(
  answer: typeof fetch,
): Promise<{ ok: boolean; urls: string[]; left: string[] }> {
  const urls: string[] = [];
  const reporter = new Reporter({ write: () => undefined });
  const ok = await downloadTemporal('temporal', join(folder, 'temporal'), {
    env: process.env,
    reporter,
    fetch: async (url, options) => {
      urls.push(url as string);
      return answer(url, options);
    },
  });
  return { ok, urls, left: readdirSync(folder) };
}

test('the program is taken out of the archive of the pinned version', async () => {
  const made = mkdtempSync(join(tmpdir(), 'ado-archive-'));
  writeFileSync(join(made, 'temporal'), 'the program');
  writeFileSync(join(made, 'LICENSE'), randomBytes(11_000_000));
  execFileSync('tar', ['-czf', join(made, 'archive.tar.gz'), '-C', made, 'temporal', 'LICENSE']);
  const archive = readFileSync(join(made, 'archive.tar.gz'));
  rmSync(made, { recursive: true });

  const { ok, urls, left } = await download(async () => new Response(archive));

  expect(ok).toBe(true);
  expect(urls[0]).toContain(`/v${temporalVersions.cli}?`);
  expect(left).toEqual(['temporal']);
  expect(readFileSync(join(folder, 'temporal'), 'utf8')).toBe('the program');
});

test.each([
  ['an error', async () => new Response('not here', { status: 404 })],
  ['a page instead of a program', async () => new Response('<html>log in to the network</html>')],
  ['no way out', async () => Promise.reject(new TypeError('fetch failed'))],
] as const)('%s leaves nothing behind', async (_what, answer) => {
  expect(await download(answer)).toMatchObject({ ok: false, left: [] });
});

test('a network that swallows the request costs two seconds', async () => {
  const startedAt = Date.now();

  const { ok } = await download(
    async (_url, options) =>
      new Promise((_resolve, reject) => {
        options?.signal?.addEventListener('abort', () => reject(new Error('given up')));
      }),
  );

  expect(ok).toBe(false);
  expect(Date.now() - startedAt).toBeLessThan(4_000);
});
