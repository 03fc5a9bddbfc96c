/** A person's word before work that may be dear is sent. */
import { formatMicroUsd } from '../contracts/money.ts';
import type { ApiClient } from './api-client.ts';
import type { Cli } from './cli.ts';
import { nameSources } from './targets/name-sources.ts';
import { toBatchBody } from './work-request.ts';
import type { WorkRequest } from './work-request.ts';

/**
 * Answers the request as it is to be sent; undefined when a person said no. Asked is only on a terminal, and only when a
 * plan of the work may cost more than is confirmed. A yes confirms all that a task may spend. Where nobody can be asked,
 * the request is sent as it is, and the task asks when it comes to it.
 */
export async function confirmCost(
  cli: Pick<Cli, 'ask' | 'terminal'>,
  api: Pick<ApiClient, 'call'>,
  { request, yes }: { readonly request: WorkRequest; readonly yes: boolean },
): Promise<WorkRequest | undefined> {
  if (request.body.agent === 'command') return request;
  if (yes) return confirmed(request);
  if (cli.ask === undefined) return request;
  const threshold =
    request.body.confirmAboveCostMicroUsd ??
    (await api.call('get /v1/key', {})).confirmAboveCostMicroUsd;
  const high = await planHigh(api, request);
  if (high <= threshold) return request;
  const question = `This may cost up to about ${formatMicroUsd(high)}. Go on? [y/N] `;
  const answer = await cli.ask(question);
  return /^y(es)?$/i.test(answer.trim()) ? confirmed(request) : undefined;
}

async function planHigh(api: Pick<ApiClient, 'call'>, request: WorkRequest): Promise<number> {
  try {
    const { estimate } = await api.call('post /v1/plans', { body: toBatchBody(request) });
    return estimate.highMicroUsd;
  } catch (error) {
    throw request.kind === 'batch' ? nameSources(error, request.targets) : error;
  }
}

/** The request with all that each of its tasks may spend confirmed. */
async function confirmed(request: WorkRequest): Promise<WorkRequest> {
  // Loaded with its schemas, which most calls do without.
  const { defaultMaxCostMicroUsd } = await import('../contracts/task.schema.ts');
  const confirmAboveCostMicroUsd = request.body.maxCostMicroUsd ?? defaultMaxCostMicroUsd;
  return request.kind === 'task'
    ? { ...request, body: { ...request.body, confirmAboveCostMicroUsd } }
    : { ...request, body: { ...request.body, confirmAboveCostMicroUsd } };
}
