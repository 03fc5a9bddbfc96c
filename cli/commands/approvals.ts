/** `ado approvals`, `ado approve` and `ado reject`. */
import type { ApprovalDecision, ApprovalKind } from '../../contracts/approval.ts';
import { formatApproval, formatApprovals, getApprovalId, listApprovals } from '../approvals.ts';
import type { Cli } from '../cli.ts';
import { connect } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { print } from '../output.ts';
import type { OutputFormat } from '../output.ts';

/** The flags of `ado approvals`. */
export interface ApprovalsOptions {
  /** Those that were answered, too. */
  readonly all?: true | undefined;
  readonly kind?: readonly ApprovalKind[] | undefined;
  readonly output: OutputFormat;
}

/** Lists what tasks ask; answers the exit code. */
export async function approvals(cli: Cli, options: ApprovalsOptions): Promise<number> {
  const api = await connect(cli, { mayStart: false });
  const items = await listApprovals(api, {
    ...(options.all === true ? {} : { status: 'pending' }),
    ...(options.kind === undefined ? {} : { kind: options.kind.join(',') }),
  });
  const { paint, note } = cli.terminal;
  if (items.length === 0) note('Nobody asks anything.');
  await print(cli.terminal, options.output, {
    value: { items },
    rows: items,
    names: items.map(({ id }) => id),
    text: () => (items.length === 0 ? '' : formatApprovals(items, paint)),
  });
  return exitCodes.ok;
}

/** The flags of `ado approve` and `ado reject`. */
export interface DecideOptions {
  /** Of an approval, or of the task that asks. */
  readonly id: string;
  readonly decision: ApprovalDecision;
  readonly reason?: string | undefined;
  readonly output: OutputFormat;
}

/** Answers a question; answers the exit code. */
export async function decide(cli: Cli, options: DecideOptions): Promise<number> {
  const { id, decision, reason, output } = options;
  const api = await connect(cli, { mayStart: false });
  const approvalId = await getApprovalId(api, id);
  const approval = await api.call('post /v1/approvals/:approvalId/decision', {
    params: { approvalId },
    body: { decision, ...(reason === undefined ? {} : { reason }) },
  });
  const { note, paint } = cli.terminal;
  note(`${decision === 'approve' ? 'Approved' : 'Rejected'}; task ${approval.taskId} goes on.`);
  if (output === 'text') return exitCodes.ok;
  await print(cli.terminal, output, {
    value: approval,
    names: [approval.id],
    text: () => formatApproval(approval, paint),
  });
  return exitCodes.ok;
}
