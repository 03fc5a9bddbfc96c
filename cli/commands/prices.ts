/** `ado prices`: what models cost, and setting it. */
import { resolve } from 'node:path';
import { loadPrices } from '../../config/prices-config.ts';
import { AppError } from '../../contracts/errors.ts';
import type { ModelPrice, SetPrice } from '../../contracts/price.schema.ts';
import { formatMicroUsd } from '../../contracts/money.ts';
import { listAll } from '../api-client.ts';
import type { Cli } from '../cli.ts';
import { connect } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { print } from '../output.ts';
import type { OutputFormat } from '../output.ts';
import { formatFacts, formatTable } from '../table.ts';
import { toLine } from '../terminal.ts';
import type { Paint } from '../terminal.ts';
import { countOf } from '../texts.ts';

/** Runs `ado prices set FILE`; answers the exit code. @throws FILE_INVALID before anything is sent */
export async function setPrices(
  cli: Cli,
  { file, output }: { readonly file: string; readonly output: OutputFormat },
): Promise<number> {
  const path = resolve(cli.environment.cwd, file);
  const prices = [...loadPrices(path, cli.environment.variables)];
  const api = await connect(cli, { mayStart: false });
  const answer = await api.call('post /v1/prices', { body: { prices } });
  await print(cli.terminal, output, {
    value: answer,
    names: [],
    text: () => `${countOf(answer.recorded, 'price')} set, ${answer.unchanged} counted already.`,
  });
  return exitCodes.ok;
}

/** Runs `ado prices list`; answers the exit code. */
export async function listPrices(
  cli: Cli,
  { model, output }: { readonly model?: string | undefined; readonly output: OutputFormat },
): Promise<number> {
  const { paint, note } = cli.terminal;
  const asked = model === undefined ? undefined : splitModel(model);
  const api = await connect(cli, { mayStart: false });
  if (asked !== undefined) {
    const price = await api.call('get /v1/prices/:provider/:model', { params: asked });
    await print(cli.terminal, output, {
      value: price,
      names: [price.priceId],
      text: () => formatPrice(price, paint),
    });
    return exitCodes.ok;
  }
  const prices = await listAll(Infinity, () => api.call('get /v1/prices', {}));
  await print(cli.terminal, output, {
    value: { items: prices },
    rows: prices,
    names: prices.map((price) => String(price.id)),
    text: () => {
      if (prices.length === 0) note('No prices are set; those that ship with ado count.');
      return prices.length === 0 ? '' : formatPrices(prices, paint);
    },
  });
  return exitCodes.ok;
}

function splitModel(name: string): { readonly provider: string; readonly model: string } {
  const [, provider, model] = /^([^:]+):(.+)$/.exec(name) ?? [];
  if (provider !== undefined && model !== undefined) return { provider, model };
  throw new AppError(
    'USAGE',
    `"${name}" is no model: write provider and model, such as anthropic:claude-sonnet-5.`,
  );
}

/** Kinds of tokens with their headings. */
const kinds = [
  ['input', 'INPUT'],
  ['cacheRead', 'CACHE READ'],
  ['cacheWrite5m', 'CACHE WRITE'],
  ['cacheWrite1h', 'FOR AN HOUR'],
  ['output', 'OUTPUT'],
  ['reasoning', 'REASONING'],
] as const satisfies readonly (readonly [keyof SetPrice['rates'], string])[];

function formatPrices(prices: readonly SetPrice[], paint: Paint): string {
  const rows = prices.flatMap((price) => [
    [
      price.state === 'counts' ? paint.green(price.state) : paint.dim(price.state),
      `${price.provider}:${price.model}`,
      price.serviceTier,
      price.effectiveFrom.replace('T00:00:00.000Z', ''),
      ...ratesOf(price.rates),
      toLine(price.source, 40),
    ],
    ...price.contextTiers.map(({ aboveInputTokens, rates }) => [
      ...['', `above ${aboveInputTokens.toLocaleString('en-US')} tokens in`, '', ''],
      ...ratesOf(rates),
    ]),
  ]);
  const heading = ['STATE', 'MODEL', 'TIER', 'FROM', ...kinds.map(([, title]) => title), 'SOURCE'];
  return formatTable(paint, heading, rows);
}

function ratesOf(rates: SetPrice['rates']): string[] {
  return kinds.map(([kind]) => {
    const rate = rates[kind];
    return rate === undefined ? '–' : formatMicroUsd(rate);
  });
}

/** What a model costs now, in dollars for a million tokens. */
function formatPrice(price: ModelPrice, paint: Paint): string {
  const { provider, model, serviceTier, priceId, rates, contextTiers, ceiling, divisor } = price;
  const known = Object.keys(rates).length > 0;
  const rows = [
    ['', ...ratesOf(rates)],
    ...contextTiers.map((tier) => [
      `above ${tier.aboveInputTokens.toLocaleString('en-US')} tokens in`,
      ...ratesOf(tier.rates),
    ]),
    ...(Object.keys(ceiling).length === 0 ? [] : [['not known, counted at', ...ratesOf(ceiling)]]),
  ];
  return [
    formatFacts(paint, [
      ['model', `${provider}:${model}`],
      ['tier', `${serviceTier}${divisor === 1 ? '' : ', at half of these rates'}`],
      ['price', known ? priceId : `${paint.yellow('unknown')}: set one with ado prices set FILE`],
    ]),
    '',
    formatTable(paint, ['USD PER MILLION', ...kinds.map(([, title]) => title)], rows),
  ].join('\n');
}
