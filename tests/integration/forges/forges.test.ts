// Pull requests at hosts of repositories, on the wire.
//   - one is looked up by its branch before it is made, so it is made once, whoever was quicker
//   - limits of the host say when to come back; refusals are final and name no token
import { createForges } from '../../../adapters/forges/create-forges.ts';
import type { Forges, NewPullRequest } from '../../../adapters/ports.ts';
import { forgeToken, startForge, type ForgeServer } from '../../support/forge-server.ts';

let forge: ForgeServer;
beforeEach(async () => {
  forge = await startForge();
});
afterEach(() => {
  forge.close();
});

type Kind = 'github' | 'gitlab';
const kinds: readonly Kind[] = ['github', 'gitlab'];

function open(kind: Kind, token = forgeToken, url = forge.url): Forges {
  const other = { url: 'https://elsewhere.example', token: undefined };
  const here = { url, token };
  return createForges(
    kind === 'github' ? { github: here, gitlab: other } : { github: other, gitlab: here },
  );
}

function aRequest(changes: Partial<NewPullRequest> = {}): NewPullRequest {
  return {
    repository: 'https://127.0.0.1/acme/widgets.git',
    branch: 'ado/greet-1',
    title: 'Greet',
    body: 'It greets.',
    ...changes,
  };
}

function anError(code: string, message: RegExp): Error {
  return expect.objectContaining({ code, message: expect.stringMatching(message) }) as Error;
}

test.each(kinds)('%s: it is made once, for the default branch', async (kind) => {
  const forges = open(kind);

  const first = await forges.openPullRequest(aRequest());
  const second = await forges.openPullRequest(aRequest());

  expect(second).toEqual(first);
  expect(forge.made).toEqual([
    {
      ...{ forge: kind, path: 'acme/widgets', branch: 'ado/greet-1', target: 'trunk' },
      ...{ title: 'Greet', body: 'It greets.', url: first.url, state: 'open' },
    },
  ]);
});

test.each(kinds)('%s: a target that is named is not asked for', async (kind) => {
  await open(kind).openPullRequest(aRequest({ target: 'release/1' }));

  expect(forge.made[0]?.target).toBe('release/1');
  expect(forge.log.map((line) => line.split(' ')[0])).toEqual(['GET', 'POST']);
});

test.each(kinds)('%s: one that a person has closed is not made again', async (kind) => {
  const { url } = await open(kind).openPullRequest(aRequest());
  for (const made of forge.made) made.state = 'closed';

  await expect(open(kind).openPullRequest(aRequest())).resolves.toEqual({ url });
  expect(forge.made).toHaveLength(1);
});

test.each(kinds)('%s: where somebody else was quicker, theirs is the answer', async (kind) => {
  const [one, other] = await Promise.all([
    open(kind).openPullRequest(aRequest()),
    open(kind).openPullRequest(aRequest()),
  ]);

  expect(one).toEqual(other);
  expect(forge.made).toHaveLength(1);
});

test('groups of GitLab are part of the path of a project', async () => {
  const repository = 'git@127.0.0.1:acme/tools/widgets.git';

  await open('gitlab').openPullRequest(aRequest({ repository }));

  expect(forge.made[0]?.path).toBe('acme/tools/widgets');
});

test.each([
  ['a secondary limit', { status: 403, headers: { 'retry-after': '7' } }, 7_000],
  ['too many requests', { status: 429, headers: { 'retry-after': '2' } }, 2_000],
  [
    'a secondary limit without a time',
    { status: 403, body: { message: 'You have exceeded a secondary rate limit' } },
    60_000,
  ],
])('%s says when to come back', async (_what, refusal, retryAfterMs) => {
  forge.refusals.push({ method: 'POST', ...refusal });

  await expect(open('github').openPullRequest(aRequest())).rejects.toMatchObject({
    ...{ code: 'FORGE_UNAVAILABLE', retryAfterMs },
  });
  await expect(open('github').openPullRequest(aRequest())).resolves.toMatchObject({});
  expect(forge.made).toHaveLength(1);
});

test('a spent limit is waited for until it begins anew', async () => {
  const reset = String(Math.ceil(Date.now() / 1_000) + 30);
  const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset };
  forge.refusals.push({ method: 'GET', status: 403, headers });

  const failure: unknown = await open('github')
    .openPullRequest(aRequest())
    .catch((error: unknown) => error);

  const { retryAfterMs = 0 } = failure as { retryAfterMs?: number };
  expect(failure).toMatchObject({ code: 'FORGE_UNAVAILABLE' });
  expect(retryAfterMs).toBeGreaterThan(25_000);
  expect(retryAfterMs).toBeLessThanOrEqual(31_000);
});

test('a host that fails or is away is asked again later', async () => {
  forge.refusals.push({ method: 'GET', status: 502 });

  await expect(open('github').openPullRequest(aRequest())).rejects.toEqual(
    anError('FORGE_UNAVAILABLE', /answered 502/),
  );
  await expect(
    open('github', forgeToken, 'http://127.0.0.1:1').openPullRequest(aRequest()),
  ).rejects.toEqual(anError('FORGE_UNAVAILABLE', /cannot be reached: .*ECONNREFUSED/));
});

test('a refused token is final, and is not repeated', async () => {
  const token = 'ghp_wrongwrongwrongwrongwrongwrongwrong1';

  const failure: unknown = await open('github', token)
    .openPullRequest(aRequest())
    .catch((error: unknown) => error);

  expect(failure).toEqual(anError('PUBLISH_FAILED', /GitHub answered 401: Bad credentials/));
  expect(String(failure)).not.toContain(token);
});

test.each([
  ['/repositories/one', /is on no host/],
  ['https://code.example/acme/widgets', /is on no host.*127\.0\.0\.1/],
])('%s has no host that is known', async (repository, message) => {
  await expect(open('github').openPullRequest(aRequest({ repository }))).rejects.toEqual(
    anError('PUBLISH_FAILED', message),
  );
});

test('a host without a token says which variable is missing', async () => {
  const none = { url: forge.url, token: undefined };
  const forges = createForges({ github: none, gitlab: { ...none, url: 'https://gitlab.com' } });

  await expect(forges.openPullRequest(aRequest())).rejects.toEqual(
    anError('PUBLISH_FAILED', /set ADO_GITHUB_TOKEN/),
  );
});
