/** What is asked of a request before its targets are looked at: can its model and its sandbox be had at all? */
import { AppError } from '../../contracts/errors.ts';
import type { Work } from '../../contracts/task.schema.ts';
import type { Clock } from '../../adapters/ports.ts';
import type { ApiDeps } from '../deps.ts';

/** @throws MODEL_NOT_FOUND · SCRIPT_INVALID */
export async function assertModel(
  deps: Pick<ApiDeps, 'models'>,
  work: Pick<Work, 'agent' | 'model'>,
): Promise<void> {
  if (work.agent === 'builtin' && work.model !== undefined) {
    await deps.models.routesOf(work.model);
  }
}

/** @throws SANDBOX_REQUIRED · SANDBOX_UNAVAILABLE */
export async function assertSandbox(
  deps: Pick<ApiDeps, 'checkSandbox' | 'allowUnsandboxed'>,
  work: Pick<Work, 'sandbox'>,
): Promise<void> {
  if (work.sandbox === 'bubblewrap') {
    await deps.checkSandbox();
  } else if (!deps.allowUnsandboxed) {
    throw new AppError('SANDBOX_REQUIRED', 'This server does not run agents with `sandbox: none`.');
  }
}

/**
 * Hashes the files that command, gates and model script name by absolute path: what they hold decides the result as
 * much as the words of the request.
 */
export async function filesDigest(deps: Pick<ApiDeps, 'workspaces'>, work: Work): Promise<string> {
  const words = [work.exec, scriptOf(work.model), ...work.gates.map((gate) => gate.command)];
  const { digest } = await deps.workspaces.describeCommand(
    words.filter((word) => word !== undefined).join('\n'),
  );
  return digest;
}

/** The path after `<provider>:` as one word of a shell; names that are no path name no file. */
function scriptOf(model: string | undefined): string | undefined {
  const path = model?.slice(model.indexOf(':') + 1);
  return path && `'${path.replaceAll("'", `'\\''`)}'`;
}

/**
 * Remembers how a check ended for a time: it costs about a second, and its answer hardly ever changes. Once
 * that time is over, a good answer still stands while the next check is under way; a bad one is asked for anew.
 */
export function rememberCheck(
  check: () => Promise<void>,
  clock: Clock,
  forMs: number,
): () => Promise<void> {
  let last: { readonly answer: Promise<void>; readonly until: number; isGood: boolean } | undefined;
  const ask = (): Promise<void> => {
    const asked = { answer: check(), until: clock.now() + forMs, isGood: false };
    last = asked;
    // Also keeps a failure that nobody waits for from ending the process.
    asked.answer.then(
      () => {
        asked.isGood = true;
      },
      () => undefined,
    );
    return asked.answer;
  };
  return () => {
    if (last === undefined) return ask();
    if (clock.now() < last.until) return last.answer;
    const { answer, isGood } = last;
    const next = ask();
    return isGood ? answer : next;
  };
}
