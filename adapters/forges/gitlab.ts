/**
 * Merge requests of GitLab, by its REST API (v4).
 * https://docs.gitlab.com/api/merge_requests/
 */
import { z } from 'zod';
import { callForge, type ForgeApi, type ForgeHost } from './forge-client.ts';

const mergeRequest = z.object({ web_url: z.string(), state: z.string() });
const project = z.object({ default_branch: z.string() });

/** GitLab at a web address. */
export function createGitlab(webUrl: string, token: string): ForgeApi {
  const host: ForgeHost = {
    name: 'GitLab',
    apiUrl: `${webUrl.replace(/\/+$/, '')}/api/v4`,
    token,
    headers: { 'private-token': token },
  };
  // A project is named by its whole path, groups and all.
  const pathOf = (path: string): string => `/projects/${encodeURIComponent(path)}`;

  return {
    async find(path, branch, signal) {
      const query = new URLSearchParams({ source_branch: branch, state: 'all' });
      const found = await callForge(host, {
        ...{ method: 'GET', path: `${pathOf(path)}/merge_requests?${query.toString()}`, signal },
        answer: z.array(mergeRequest),
      });
      return (found.find(({ state }) => state === 'opened') ?? found[0])?.web_url;
    },
    async defaultBranch(path, signal) {
      const call = { method: 'GET', path: pathOf(path), answer: project, signal } as const;
      return (await callForge(host, call)).default_branch;
    },
    async make(path, { branch, target, title, body }, signal) {
      const made = await callForge(host, {
        ...{ method: 'POST', path: `${pathOf(path)}/merge_requests`, signal },
        answer: mergeRequest,
        body: { title, description: body, source_branch: branch, target_branch: target },
      });
      return made.web_url;
    },
  };
}
