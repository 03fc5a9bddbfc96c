/** The definitions of the commands with which people answer tasks. */
import { approvalKinds, type ApprovalDecision } from '../../contracts/approval.ts';
import { listOf } from '../values.ts';
import { outputOption, valueOf, withExamples } from './define.ts';
import type { Command, Perform } from './define.ts';

const idHelp = 'id of the approval or of the task that asks, or its last 6 or more characters';

/** Defines `approvals`, `approve`, `reject`, and the names they had elsewhere. */
export function defineApprovalCommands(program: Command, perform: Perform): void {
  withExamples(
    defineList(program.command('approvals'), perform)
      .summary('list what tasks ask people')
      .description('Lists the questions that wait for an answer, newest first.'),
    'ado approvals',
    'ado approvals --all -o json',
  );
  withExamples(
    defineAnswer(program.command('approve'), 'approve', perform)
      .summary('say yes to a task')
      .description(
        'Answers the question of a task with yes; the task goes on at once. The first answer counts.',
      ),
    'ado approve 3f9a1c2e',
    'ado approve 3f9a1c2e --reason "worth it"',
  );
  withExamples(
    defineAnswer(program.command('reject'), 'reject', perform)
      .summary('say no to a task')
      .description(
        'Answers the question of a task with no: it goes on without what it asked for, or ends. The first answer counts.',
      ),
    'ado reject 3f9a1c2e --reason "too dear"',
  );
  const old = program.command('hitl', { hidden: true });
  defineList(old.command('pending'), perform);
  defineAnswer(old.command('approve'), 'approve', perform);
  defineAnswer(old.command('reject'), 'reject', perform);
}

function defineList(command: Command, perform: Perform) {
  return command
    .option('--all', 'those that were answered or taken back, too')
    .option('--kind <words>', `kinds: ${approvalKinds.join(', ')}`, valueOf(listOf(approvalKinds)))
    .addOption(outputOption())
    .action((options) =>
      perform(async (cli) => (await import('../commands/approvals.ts')).approvals(cli, options)),
    );
}

function defineAnswer(command: Command, decision: ApprovalDecision, perform: Perform) {
  return command
    .argument('<id>', idHelp)
    .option('--reason <text>', 'why, for the record; advice for an agent that may go on')
    .addOption(outputOption())
    .action((id, options) =>
      perform(async (cli) =>
        (await import('../commands/approvals.ts')).decide(cli, { ...options, id, decision }),
      ),
    );
}
