/**
 * The registry of errors. A code is the only part of an error that survives every crossing: `ApplicationFailure.type`,
 * the problem document, a metric's label, the `error_code` column, an anchor in docs/errors.md. Decide on the code, never
 * with `instanceof` across a border.
 */
import { agentErrorKinds } from './agent-errors.ts';
import { modelErrorKinds } from './model-errors.ts';

/** How an error is treated: retried or not, logged how, whose fault. */
export type ErrorFamily = 'caller' | 'policy' | 'transient' | 'upstream' | 'internal';

/** One line of the registry. */
export interface ErrorKind {
  readonly family: ErrorFamily;
  /** HTTP status of the problem document. */
  readonly http: number;
  /** What it means, one sentence. */
  readonly meaning: string;
  /** What to do, one sentence, shown after the message. */
  readonly remedy: string;
}

/** Every error code of the platform. */
export const errorKinds = {
  INVALID_REQUEST: {
    family: 'caller',
    http: 400,
    meaning: 'The request does not fit its schema.',
    remedy: 'Correct the fields named in `problems`.',
  },
  KEY_MISSING: {
    family: 'caller',
    http: 401,
    meaning: 'No API key was sent.',
    remedy:
      'Send `Authorization: Bearer <key>`; `ado config get key` prints the key of the current context.',
  },
  KEY_INVALID: {
    family: 'caller',
    http: 401,
    meaning: 'The API key is unknown, expired or revoked.',
    remedy:
      'Check the key of the context with `ado context list`, or add it again with `ado context add`.',
  },
  SCOPE_MISSING: {
    family: 'caller',
    http: 403,
    meaning: 'The API key may not do this.',
    remedy: 'Use a key with the scope that the message names.',
  },
  READ_ONLY: {
    family: 'policy',
    http: 409,
    meaning: 'This server only shows what was done; nothing can be changed through it.',
    remedy: 'Use a context whose server takes work; `ado context list` prints them.',
  },
  ROUTE_NOT_FOUND: {
    family: 'caller',
    http: 404,
    meaning: 'No route has this method and path.',
    remedy: 'See /openapi.json for the routes.',
  },
  TASK_NOT_FOUND: {
    family: 'caller',
    http: 404,
    meaning: 'No task of this tenant has this id.',
    remedy: 'List tasks with `ado ps`.',
  },
  BATCH_NOT_FOUND: {
    family: 'caller',
    http: 404,
    meaning: 'No batch of this tenant has this id.',
    remedy: 'List batches with `ado batch list`.',
  },
  APPROVAL_NOT_FOUND: {
    family: 'caller',
    http: 404,
    meaning: 'No approval of this tenant has this id.',
    remedy: 'List approvals with `ado approvals --all`.',
  },
  APPROVAL_DECIDED: {
    family: 'caller',
    http: 409,
    meaning:
      'The approval was decided otherwise, or its task has ended; the first decision counts.',
    remedy: 'See what was decided with `ado approvals --all`.',
  },
  TASK_ALREADY_ENDED: {
    family: 'caller',
    http: 409,
    meaning: 'The task has ended; its status is final.',
    remedy: 'Start a new attempt with `ado retry <id>`.',
  },
  TASK_NOT_ENDED: {
    family: 'caller',
    http: 409,
    meaning: 'Only an ended task can be retried or published.',
    remedy: 'Wait for it, or cancel it first with `ado cancel <id>`.',
  },
  BATCH_ALREADY_ENDED: {
    family: 'caller',
    http: 409,
    meaning: 'The batch has ended.',
    remedy: 'Retry its failed items with `ado batch retry <id>`.',
  },
  NOTHING_TO_RETRY: {
    family: 'caller',
    http: 409,
    meaning: 'No item matches the filter of the retry.',
    remedy: 'See the outcomes with `ado batch show <id>`.',
  },
  BODY_TOO_LARGE: {
    family: 'caller',
    http: 413,
    meaning: 'The request body is over 1 MB.',
    remedy: 'Send less; a batch of many items goes in several requests.',
  },
  IDEMPOTENCY_KEY_REUSED: {
    family: 'caller',
    http: 422,
    meaning: 'The Idempotency-Key was used before with another body.',
    remedy: 'Use a new key for a new request.',
  },
  REPOSITORY_NOT_FOUND: {
    family: 'caller',
    http: 400,
    meaning: 'A repository cannot be reached.',
    remedy: 'Check the path or URL, and that you may read it.',
  },
  NOT_A_GIT_REPOSITORY: {
    family: 'caller',
    http: 400,
    meaning: 'A path is not a git repository.',
    remedy: 'Name the folder that holds `.git`, or run `git init` and commit there.',
  },
  REF_NOT_FOUND: {
    family: 'caller',
    http: 400,
    meaning: 'A repository has no such branch, tag or commit, or no commit at all.',
    remedy: 'Name a ref that exists, or make a first commit.',
  },
  FILE_INVALID: {
    family: 'caller',
    http: 400,
    meaning: 'A file given on the command line or a configuration file cannot be read.',
    remedy: 'Correct the file, line and key that the message names.',
  },
  USAGE: {
    family: 'caller',
    http: 400,
    meaning: 'The command line does not fit.',
    remedy: 'See `ado <command> --help`.',
  },
  CONTEXT_NOT_FOUND: {
    family: 'caller',
    http: 404,
    meaning: 'No context has this name.',
    remedy: 'List them with `ado context list`, add one with `ado context add`.',
  },
  TARGET_EXISTS: {
    family: 'caller',
    http: 409,
    meaning: 'The place to write to holds something else.',
    remedy: 'Name an empty or new folder.',
  },
  PLATFORM_NOT_RUNNING: {
    family: 'caller',
    http: 409,
    meaning: 'The local platform is not running.',
    remedy: 'Start it with `ado dev`.',
  },
  PROGRAM_MISSING: {
    family: 'caller',
    http: 500,
    meaning: 'A program that the local platform needs is missing.',
    remedy: '`ado doctor` prints the line that installs it.',
  },
  UPGRADE_FAILED: {
    family: 'caller',
    http: 500,
    meaning: 'Helm could not look at the release, or change it.',
    remedy: 'Correct what Helm says; `helm history` and `helm status` tell how the release is.',
  },
  PORT_TAKEN: {
    family: 'caller',
    http: 409,
    meaning: 'A port asked for is in use.',
    remedy: 'Free it, or leave the port open so that another is chosen.',
  },
  PART_FAILED: {
    family: 'transient',
    http: 503,
    meaning: 'A part of the local platform does not start.',
    remedy: 'Read its log, then run `ado doctor`.',
  },
  BUDGET_EXCEEDED: {
    family: 'policy',
    http: 409,
    meaning: 'The task reached its spending limit.',
    remedy: 'Raise `--max-cost` and retry.',
  },
  PRICE_UNKNOWN: {
    family: 'caller',
    http: 409,
    meaning:
      'The price of the model is not known, and the call may be too dear to be made blindly.',
    remedy: 'Set a price for the model (`ado prices set`), or use another model.',
  },
  RESULT_TOO_LARGE: {
    family: 'upstream',
    http: 502,
    meaning: 'A result is too large to be kept.',
    remedy: 'Let the agent produce less.',
  },
  WORKSPACE_FAILED: {
    family: 'transient',
    http: 503,
    meaning: 'The workspace of a task cannot be made: clone, disk, or git failed.',
    remedy: 'It is retried by itself; read the message if it stays.',
  },
  WORKER_LOST: {
    family: 'transient',
    http: 503,
    meaning: 'The workers that held the task were lost again and again.',
    remedy: "Check `ado dev status` and the worker's log, then retry.",
  },
  TASK_POISONED: {
    family: 'upstream',
    http: 502,
    meaning: 'Worker after worker died while it held the task; it is taken for the cause.',
    remedy: "Read the worker's log, then retry.",
  },
  SUPERSEDED: {
    family: 'policy',
    http: 409,
    meaning: "A newer attempt has taken over; this one's late write was refused.",
    remedy: 'Nothing: the newer attempt carries the task.',
  },
  TASK_CANCELLED: {
    family: 'policy',
    http: 409,
    meaning: 'The task was cancelled.',
    remedy: 'Start a new attempt with `ado retry <id>`.',
  },
  STORE_UNAVAILABLE: {
    family: 'transient',
    http: 503,
    meaning: 'PostgreSQL does not answer.',
    remedy: 'Try again; `ado dev status` tells what is down.',
  },
  SERVER_STOPPING: {
    family: 'transient',
    http: 503,
    meaning: 'This server process is about to end.',
    remedy: 'Ask another one, or try again; a load balancer does so by itself.',
  },
  LIMITER_UNAVAILABLE: {
    family: 'transient',
    http: 503,
    meaning: 'Redis does not answer.',
    remedy: 'Try again; `ado dev status` tells what is down.',
  },
  LIMIT_INVALID: {
    family: 'caller',
    http: 400,
    meaning: 'A limit is not one: zero, below zero, or without a burst.',
    remedy: 'Correct the limit that the message names; leave out a limit that should not bind.',
  },
  LIMIT_UNREACHABLE: {
    family: 'caller',
    http: 422,
    meaning: 'A call costs more than a limit ever holds at once, so that no wait would help.',
    remedy: 'Make the request smaller, or raise the burst that the message names.',
  },
  ENGINE_UNAVAILABLE: {
    family: 'transient',
    http: 503,
    meaning: 'Temporal does not answer.',
    remedy: 'Try again; `ado dev status` tells what is down.',
  },
  SERVER_UNREACHABLE: {
    family: 'transient',
    http: 503,
    meaning: 'The ado server does not answer.',
    remedy:
      "Check the context's address with `ado context list`; start a local one with `ado dev`.",
  },
  ...modelErrorKinds,
  ...agentErrorKinds,
  INTERNAL: {
    family: 'internal',
    http: 500,
    meaning: 'A defect of ado.',
    remedy: 'Report it with the request id.',
  },
} as const satisfies Record<string, ErrorKind>;

/** One code of the registry. */
export type ErrorCode = keyof typeof errorKinds;

/** One thing wrong with an input: where, and what. */
export interface Problem {
  /** Path in the body (`items.3.repository`), or `file:line` of a file. */
  readonly path: string;
  readonly message: string;
}

/** What an `AppError` may carry beside its code and message. */
export interface AppErrorDetails {
  readonly cause?: unknown;
  /** When trying again makes sense, in milliseconds from now. */
  readonly retryAfterMs?: number;
  readonly problems?: readonly Problem[];
}

/** An expected error. Its message is shown to people: what was wrong and where, no stack, no secret. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly retryAfterMs: number | undefined;
  readonly problems: readonly Problem[];

  constructor(code: ErrorCode, message: string, details: AppErrorDetails = {}) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.code = code;
    this.retryAfterMs = details.retryAfterMs;
    this.problems = details.problems ?? [];
  }
}

/** Answers whether a word is a code of the registry. */
export function isErrorCode(word: unknown): word is ErrorCode {
  return typeof word === 'string' && Object.hasOwn(errorKinds, word);
}

/** Reads the code off any error that carries one, whatever realm made it; undefined for other errors. */
export function codeOf(error: unknown): ErrorCode | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return isErrorCode(error.code) ? error.code : undefined;
}

/** The codes that no retry can mend; Temporal's `nonRetryableErrorTypes`. */
export const nonRetryableCodes: readonly ErrorCode[] = (
  Object.keys(errorKinds) as ErrorCode[]
).filter((code) => ['caller', 'policy', 'upstream'].includes(errorKinds[code].family));
