/** Runs helm, kubectl and their like, the pinned ones, to their end. */
import { runProgram } from '../../../cli/dev/programs/run-program.ts';
import type { ProgramResult } from '../../../cli/dev/programs/run-program.ts';
import { getKubeProgram } from '../../../tools/kube/programs.ts';
import type { KubeProgram } from '../../../tools/kube/programs.ts';
import { testReporter } from '../services/test-process.ts';

/** What a run may be given. */
export interface ToolOptions {
  readonly input?: string;
  readonly cwd?: string;
  /** Added to this process's environment. */
  readonly env?: NodeJS.ProcessEnv;
}

// Far above what any of them takes; a loaded machine is slow.
const toolTimeoutMs = 300_000;

/** Runs a tool; a failure is a result like any other. */
export async function tryTool(
  program: KubeProgram,
  args: readonly string[],
  { env = {}, ...options }: ToolOptions = {},
): Promise<ProgramResult> {
  const file = await getKubeProgram(program, { env: process.env, reporter: testReporter });
  return runProgram(file, args, {
    ...options,
    env: { ...process.env, ...env },
    timeoutMs: toolTimeoutMs,
  });
}

/** Runs a tool and gives what it wrote to stdout. @throws Error with what it wrote to stderr when it fails */
export async function runTool(
  program: KubeProgram,
  args: readonly string[],
  options: ToolOptions = {},
): Promise<string> {
  const result = await tryTool(program, args, options);
  if (result.code === 0) return result.stdout;
  throw new Error(`${program} ${args.join(' ')} failed:\n${result.stderr}`);
}
