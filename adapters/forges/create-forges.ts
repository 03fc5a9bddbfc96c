/**
 * The hosts that pull requests can be made at, and which of them a repository is on.
 *
 * A pull request is looked up by its branch before it is made, and once more when making it is refused: so it is made
 * once, also when the answer to an earlier request was lost, or somebody else was quicker.
 */
import { AppError, codeOf } from '../../contracts/errors.ts';
import type { Forges } from '../ports.ts';
import type { ForgeApi } from './forge-client.ts';
import { createGithub } from './github.ts';
import { createGitlab } from './gitlab.ts';

/** Addresses and credentials of the hosts. */
export interface ForgeSettings {
  readonly github: { readonly url: string; readonly token: string | undefined };
  readonly gitlab: { readonly url: string; readonly token: string | undefined };
}

/** Makes the hosts. Nothing is asked before its use. */
export function createForges(settings: ForgeSettings): Forges {
  const known = [
    { ...settings.github, variable: 'ADO_GITHUB_TOKEN', create: createGithub },
    { ...settings.gitlab, variable: 'ADO_GITLAB_TOKEN', create: createGitlab },
  ].map((forge) => ({ ...forge, host: new URL(forge.url).hostname }));

  const find = (repository: string): { readonly api: ForgeApi; readonly path: string } => {
    const place = placeOf(repository);
    const here = known.filter(({ host }) => host === place?.host);
    const usable = here.find(({ token }) => token !== undefined);
    if (place !== undefined && usable?.token !== undefined)
      return { api: usable.create(usable.url, usable.token), path: place.path };
    const [named] = here;
    throw new AppError(
      'PUBLISH_FAILED',
      named === undefined
        ? `${repository} is on no host that pull requests can be made at: ${known.map(({ host }) => host).join(', ')}.`
        : `The worker has no token for ${named.host}: set ${named.variable}.`,
    );
  };

  return {
    async openPullRequest({ repository, branch, title, body, signal, ...request }) {
      const { api, path } = find(repository);
      const found = await api.find(path, branch, signal);
      if (found !== undefined) return { url: found };
      const target = request.target ?? (await api.defaultBranch(path, signal));
      try {
        return { url: await api.make(path, { branch, target, title, body }, signal) };
      } catch (error) {
        if (codeOf(error) !== 'PUBLISH_FAILED') throw error;
        const meanwhile = await api.find(path, branch, signal);
        if (meanwhile === undefined) throw error;
        return { url: meanwhile };
      }
    },
  };
}

/** Host and path of a repository's URL, without `.git`; undefined for a folder, and for a path that would leave its place in the API's. */
export function placeOf(
  repository: string,
): { readonly host: string; readonly path: string } | undefined {
  // The short form of ssh: user@host:path.
  const short = /^(?:[^@/\s]+@)?([^:/\s]+):(?!\/\/)(.+)$/.exec(repository);
  const url = short === null ? URL.parse(repository) : undefined;
  const host = short?.[1] ?? url?.hostname ?? '';
  const path = (short?.[2] ?? url?.pathname ?? '').replace(/^\/+|\/+$/g, '').replace(/\.git$/, '');
  const leaves = path.split('/').some((part) => part === '.' || part === '..');
  return host === '' || path === '' || leaves ? undefined : { host: host.toLowerCase(), path };
}
