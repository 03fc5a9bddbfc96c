/**
 * Pull requests of GitHub and GitHub Enterprise, by its REST API (version 2022-11-28).
 * https://docs.github.com/rest/pulls/pulls
 */
import { z } from 'zod';
import { callForge, type ForgeApi, type ForgeHost } from './forge-client.ts';

const pull = z.object({ html_url: z.string(), state: z.string() });
const repository = z.object({ default_branch: z.string() });

/** GitHub at a web address; github.com has its API at a host of its own. */
export function createGithub(webUrl: string, token: string): ForgeApi {
  const isPublic = new URL(webUrl).hostname === 'github.com';
  const host: ForgeHost = {
    name: 'GitHub',
    apiUrl: isPublic ? 'https://api.github.com' : `${webUrl.replace(/\/+$/, '')}/api/v3`,
    token,
    headers: {
      accept: 'application/vnd.github+json',
      authorization: `Bearer ${token}`,
      'x-github-api-version': '2022-11-28',
    },
  };
  const pathOf = (path: string): string =>
    `/repos/${path.split('/').map(encodeURIComponent).join('/')}`;

  return {
    async find(path, branch, signal) {
      const [owner = ''] = path.split('/');
      const query = new URLSearchParams({ head: `${owner}:${branch}`, state: 'all' });
      const found = await callForge(host, {
        ...{ method: 'GET', path: `${pathOf(path)}/pulls?${query.toString()}`, signal },
        answer: z.array(pull),
      });
      return (found.find(({ state }) => state === 'open') ?? found[0])?.html_url;
    },
    async defaultBranch(path, signal) {
      const call = { method: 'GET', path: pathOf(path), answer: repository, signal } as const;
      return (await callForge(host, call)).default_branch;
    },
    async make(path, { branch, target, title, body }, signal) {
      const made = await callForge(host, {
        ...{ method: 'POST', path: `${pathOf(path)}/pulls`, answer: pull, signal },
        body: { title, body, head: branch, base: target },
      });
      return made.html_url;
    },
  };
}
