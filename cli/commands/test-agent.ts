/** `ado agents test`: one real turn of an agent, in the sandbox, against the built-in emulator. No key, no network, no cost. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { agentPackages, type InstallableAgent } from '../../config/agent-programs.ts';
import { AppError } from '../../contracts/errors.ts';
import type { Cli } from '../cli.ts';
import { nodeFlags, programPath } from '../dev/checkout.ts';
import { runProgram } from '../dev/programs/run-program.ts';
import { agentWires } from '../emulator/agent-wires.ts';
import { startEmulator, type Emulator } from '../emulator/emulator.ts';
import { parseScript } from '../emulator/script.ts';
import { exitCodes } from '../exit-codes.ts';
import { print } from '../output.ts';
import type { OutputFormat } from '../output.ts';
import { formatTable } from '../table.ts';
import { formatDuration } from '../texts.ts';

/** The turn itself ends after two minutes. */
const timeoutMs = 180_000;

/** What the emulated model has each agent do, by its own tool for commands. */
const shellCommand = 'echo hello > hello.txt';

/** What worker/try-agent.ts prints. */
const triedSchema = z.union([
  z.object({ error: z.object({ code: z.string(), message: z.string() }) }),
  z.object({
    version: z.string(),
    durationMs: z.number(),
    end: z.object({ outcome: z.enum(['done', 'failed', 'died']), text: z.string() }),
    toolCalls: z.array(z.string()),
    diffStat: z.object({ files: z.number() }),
    patch: z.string(),
  }),
]);
type Tried = z.infer<typeof triedSchema>;

/** One thing that has to work. */
interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly found: string;
}

/** Tests an agent; answers the exit code, 1 when a part does not work. */
export async function testAgent(
  cli: Cli,
  { agent, output }: { readonly agent: InstallableAgent; readonly output: OutputFormat },
): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'ado-agent-'));
  const { model, shell } = agentWires[agent];
  const answers = [
    { when: { turn: 1 }, toolCalls: [shell(shellCommand)] },
    { text: 'The file is written.' },
  ];
  const script = parseScript('agents test', JSON.stringify({ answers }));
  const emulator = await startEmulator({ port: 0, script });
  try {
    const repository = makeRepository(folder);
    const tried = await startTurn(cli, [
      ...[agent, repository, folder, String(emulator.port), model],
      'Write hello into hello.txt.',
    ]);
    const checks = await listChecks(agent, tried, emulator);
    const ok = checks.every((check) => check.ok);
    const { paint } = cli.terminal;
    await print(cli.terminal, output, {
      value: { agent, ok, checks },
      rows: checks,
      names: checks.filter((check) => !check.ok).map(({ name }) => name),
      text: () =>
        formatTable(
          paint,
          ['', 'CHECK', 'FOUND'],
          checks.map(({ name, ok: works, found }) => [
            works ? paint.green('ok') : paint.red('fails'),
            name,
            found,
          ]),
        ),
    });
    return ok ? exitCodes.ok : exitCodes.failed;
  } finally {
    await emulator.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A repository with one commit. */
function makeRepository(folder: string): string {
  const repository = join(folder, 'repository');
  mkdirSync(repository);
  writeFileSync(join(repository, 'README.md'), '# A repository to try an agent on\n');
  const identity = ['-c', 'user.name=ado', '-c', 'user.email=ado@localhost'];
  const git = (...args: readonly string[]): void => {
    execFileSync('git', [...identity, ...args], { cwd: repository, stdio: 'pipe' });
  };
  git('init', '--quiet', '--initial-branch=main');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'Begin');
  return repository;
}

async function startTurn(cli: Cli, words: readonly string[]): Promise<Tried> {
  const program = [...nodeFlags(), programPath('worker/try-agent'), ...words];
  const env = cli.environment.variables;
  const { stdout, stderr } = await runProgram(process.execPath, program, { env, timeoutMs });
  try {
    return triedSchema.parse(JSON.parse(stdout));
  } catch (error) {
    const last = stderr.trim().split('\n').slice(-3).join('\n');
    throw new AppError('INTERNAL', `The turn could not be tried: ${last}`, { cause: error });
  }
}

async function listChecks(
  agent: InstallableAgent,
  tried: Tried,
  emulator: Emulator,
): Promise<readonly Check[]> {
  if ('error' in tried) return [{ name: tried.error.code, ok: false, found: tried.error.message }];
  const { version, durationMs, end, toolCalls, diffStat, patch } = tried;
  const { outcomes } = await emulator.counts();
  const wanted = agentPackages[agent].version;
  const note = version === wanted ? '' : `; ado is tested with ${wanted}`;
  return [
    { name: 'program', ok: true, found: `${version}${note}` },
    {
      name: 'model',
      ok: outcomes.delivered > 0,
      found: `${String(outcomes.delivered)} answers through the loopback of the sandbox`,
    },
    { name: 'tools', ok: toolCalls.length > 0, found: toolCalls.join(', ') || 'no call' },
    {
      name: 'work',
      ok: patch.includes('+hello') && diffStat.files === 1,
      found: diffStat.files === 1 ? 'hello.txt' : `${String(diffStat.files)} files`,
    },
    {
      name: 'end',
      ok: end.outcome === 'done',
      found: `${end.text.slice(0, 500)} (${formatDuration(durationMs)})`,
    },
  ];
}
