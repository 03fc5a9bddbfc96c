/** `ado providers` and `ado providers test`: the accounts that models come from. */
import { AppError } from '../../contracts/errors.ts';
import type { Account } from '../../contracts/providers.schema.ts';
import { formatMicroUsd } from '../../contracts/money.ts';
import type { Cli } from '../cli.ts';
import { connect } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { print } from '../output.ts';
import type { OutputFormat } from '../output.ts';
import { formatError, reportError } from '../print-error.ts';
import { formatTable } from '../table.ts';
import type { Paint } from '../terminal.ts';
import { countOf } from '../texts.ts';
import { formatHealth } from '../watch/limits-view.ts';

const shortestFile = `accounts:
  - name: work
    provider: anthropic
    access: api
    credential: { env: ANTHROPIC_API_KEY }`;

/** Lists the accounts; answers the exit code. */
export async function listAccounts(
  cli: Cli,
  { output }: { readonly output: OutputFormat },
): Promise<number> {
  const api = await connect(cli, { mayStart: false });
  const { file, items } = await api.call('get /v1/providers', {});
  const { paint, note } = cli.terminal;
  await print(cli.terminal, output, {
    value: { file, items },
    rows: items,
    names: items.map(({ name }) => name),
    text: () => {
      if (items.length > 0) return formatAccounts(items, paint);
      note(
        `There are no accounts. The server reads them from ${file} when it starts. The shortest one:\n\n${shortestFile}\n`,
      );
      return '';
    },
  });
  return exitCodes.ok;
}

/** Tests an account; answers the exit code. @throws ACCOUNT_NOT_FOUND */
export async function testAccount(
  cli: Cli,
  { account, output }: { readonly account: string; readonly output: OutputFormat },
): Promise<number> {
  const api = await connect(cli, { mayStart: false });
  const found = await api.call('post /v1/providers/:account/test', { params: { account } });
  const { terminal } = cli;
  const { paint, notePaint } = terminal;
  if (found.ok || output !== 'text') {
    await print(terminal, output, {
      value: { account, ...found },
      names: [account],
      text: () => (found.ok ? formatSuccess(account, found, paint) : ''),
    });
  } else {
    const report = reportError(new AppError(found.errorCode, found.error));
    terminal.alarm(formatError(report, { paint: notePaint, verbose: cli.options.verbose }));
  }
  return found.ok ? exitCodes.ok : exitCodes.failed;
}

interface Success {
  readonly models: number;
  readonly latencyMs: number;
  readonly missingModels: readonly string[];
}

function formatSuccess(
  account: string,
  { models, latencyMs, missingModels }: Success,
  paint: Paint,
): string {
  const took = `${Math.round(latencyMs)} ms`;
  const lines = [
    `${paint.green('✓')} ${account} answers: it lists ${countOf(models, 'model')}, in ${took}.`,
  ];
  if (missingModels.length > 0) {
    const word = paint.yellow('not in its list');
    lines.push(
      `  ${missingModels.join(', ')}: ${word}; a mistake in providers.yaml, or a short name.`,
    );
  }
  return lines.join('\n');
}

function formatAccounts(accounts: readonly Account[], paint: Paint): string {
  const table = formatTable(
    paint,
    ['ACCOUNT', 'PROVIDER', 'ACCESS', 'PRIORITY', 'CREDENTIAL', 'TODAY', 'MODELS'],
    accounts.map((account) => [
      account.name,
      account.provider,
      account.access,
      String(account.priority),
      paintCredential(account.credential.state, paint),
      `${countOf(account.today.calls, 'call')}, ${formatMicroUsd(account.today.costMicroUsd)}`,
      account.models?.join(', ') ?? 'all',
    ]),
  );
  const remarks = accounts.flatMap(({ name, credential: { state, detail }, health }) => [
    ...(detail === undefined ? [] : [`${name}: ${paintCredential(state, paint)}, ${detail}`]),
    ...health.flatMap((model) => formatHealth(name, model, paint)),
  ]);
  return remarks.length === 0 ? table : `${table}\n\n${remarks.join('\n')}`;
}

function paintCredential(state: Account['credential']['state'], paint: Paint): string {
  switch (state) {
    case 'present':
      return paint.green('there');
    case 'missing':
      return paint.red('missing');
    case 'unknown':
      return paint.yellow('unknown');
    case 'not_needed':
      return paint.dim('not needed');
  }
}
