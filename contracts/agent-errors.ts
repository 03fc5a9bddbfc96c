/** The part of the registry of errors that is about agents, the checks of their work, and its delivery. */
import type { ErrorKind } from './errors.ts';

/** Error codes of agents' work; part of `errorKinds`. */
export const agentErrorKinds = {
  SANDBOX_UNAVAILABLE: {
    family: 'caller',
    http: 409,
    meaning:
      'The sandbox does not work on this machine, and running without one was not asked for.',
    remedy:
      '`ado doctor` says how to mend it; `--sandbox none` runs without one, at your own risk.',
  },
  SANDBOX_LEAKS: {
    family: 'policy',
    http: 409,
    meaning: 'A probe got out of the sandbox of this machine, so no agent is let into it.',
    remedy:
      'Mend what the message names: a wrapper in place of `bwrap`, or what the kernel allows.',
  },
  SANDBOX_REQUIRED: {
    family: 'caller',
    http: 409,
    meaning: 'This server does not run agents without a sandbox.',
    remedy: 'Leave out `--sandbox none`.',
  },
  ROUNDS_EXCEEDED: {
    family: 'upstream',
    http: 502,
    meaning: 'The agent used up its rounds without passing the checks.',
    remedy: 'Read `ado logs <id>`; retry with a clearer prompt.',
  },
  AGENT_STUCK: {
    family: 'upstream',
    http: 502,
    meaning: 'The checks kept failing alike, and another approach that was asked for did not help.',
    remedy:
      '`ado show <id>` says what is missing, `ado diff <id>` what there is; retry with a clearer prompt.',
  },
  TASK_TIMEOUT: {
    family: 'upstream',
    http: 502,
    meaning: 'The task used up its time.',
    remedy: 'Raise `--timeout` and retry.',
  },
  COMMAND_FAILED: {
    family: 'upstream',
    http: 502,
    meaning: 'The command of a `command` task exited with an error.',
    remedy: 'Read `ado logs <id>`.',
  },
  GATE_FAILED: {
    family: 'upstream',
    http: 502,
    meaning: 'A gate rejected the work.',
    remedy: 'Read `ado logs <id>` and `ado diff <id>`.',
  },
  COMMIT_REFUSED: {
    family: 'upstream',
    http: 502,
    meaning:
      'The work holds what may not be committed: a nested repository, an unsafe link, too much.',
    remedy: 'Read the message; keep such files out of the work tree.',
  },
  BRANCH_CONFLICT: {
    family: 'upstream',
    http: 409,
    meaning: "The branch to deliver on holds commits that are not ado's.",
    remedy: 'Rename or delete that branch, then retry.',
  },
  AGENT_NOT_INSTALLED: {
    family: 'caller',
    http: 400,
    meaning: "The agent's program is not on the machine that does the work.",
    remedy: 'Install it with `ado agents install <agent>`; `ado agents` lists what is there.',
  },
  AGENT_LOGIN_MISSING: {
    family: 'caller',
    http: 400,
    meaning:
      'The agent has neither an account in providers.yaml nor a login of its own to work with.',
    remedy:
      'Name an account with `--model <account>:<model>`; `ado agents test <agent>` tells what is missing.',
  },
  AGENT_MODEL_UNFIT: {
    family: 'caller',
    http: 400,
    meaning: "The agent does not speak the wire format of the model's provider.",
    remedy: 'claude-code needs a model of an anthropic account, codex of openai, gemini of google.',
  },
  AGENT_DIED: {
    family: 'transient',
    http: 503,
    meaning:
      "The agent's program died; its turn begins anew from the last commit, twice in a task.",
    remedy: 'Wait; if it stays, the task ends with `AGENT_FAILED`.',
  },
  AGENT_FAILED: {
    family: 'upstream',
    http: 502,
    meaning: "The agent's program ended badly, or died three times.",
    remedy: 'Read what it said with `ado logs <task>`, then `ado retry <task>`.',
  },
  AGENT_DID_NOTHING: {
    family: 'upstream',
    http: 502,
    meaning: 'The agent says that it is done, but nothing was changed.',
    remedy: 'Read what it said with `ado logs <task>`; a clearer prompt often helps.',
  },
  SETUP_FAILED: {
    family: 'upstream',
    http: 502,
    meaning: 'The set-up command of the task failed, so its work did not begin.',
    remedy: 'Mend `--setup`; hosts that it needs are named by `--allow-host`.',
  },
  MERGE_CONFLICT: {
    family: 'policy',
    http: 409,
    meaning: 'The work does not merge cleanly into its target branch.',
    remedy: "Merge the task's branch by hand, or run the task again on the new base.",
  },
  EDITS_REJECTED: {
    family: 'policy',
    http: 409,
    meaning: 'A person, or silence, said no to delivering the work.',
    remedy:
      '`ado diff <task>` shows what is kept; `ado publish <task>` pushes it all the same, `ado retry <task>` begins anew.',
  },
  COMMITS_LOST: {
    family: 'upstream',
    http: 502,
    meaning:
      'The host that had the commits of the task is gone, and they cannot be made again from what is on record.',
    remedy: '`ado diff <task>` shows the change as far as it is kept; submit the work anew.',
  },
  NOTHING_TO_PUBLISH: {
    family: 'caller',
    http: 409,
    meaning: 'The task has changed nothing.',
    remedy: '`ado show <task>` says how it ended.',
  },
  FORGE_UNAVAILABLE: {
    family: 'transient',
    http: 503,
    meaning: 'The host of the repository limits requests, or cannot be reached; it is asked again.',
    remedy: 'Wait; `ado show <task>` says when it is tried again.',
  },
  PUBLISH_FAILED: {
    family: 'upstream',
    http: 502,
    meaning: 'The branch or the pull request could not be published: its host refuses it.',
    remedy: 'Correct what the message names, then `ado publish <task>`.',
  },
} as const satisfies Record<string, ErrorKind>;
