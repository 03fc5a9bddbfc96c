/** The part of the registry of errors that is about models, their scripts, and the accounts that pay for them. */
import type { ErrorKind } from './errors.ts';

/** Error codes of model calls; part of `errorKinds`. */
export const modelErrorKinds = {
  MODEL_NOT_FOUND: {
    family: 'caller',
    http: 400,
    meaning: 'No provider offers this model.',
    remedy:
      'Use `<account or provider>:<model>` of an account in providers.yaml, which the server reads when it starts.',
  },
  ACCOUNT_NOT_FOUND: {
    family: 'caller',
    http: 404,
    meaning: 'No account in providers.yaml has this name.',
    remedy: 'See `ado providers` for the accounts that there are.',
  },
  SCRIPT_INVALID: {
    family: 'caller',
    http: 400,
    meaning: 'A model script cannot be read.',
    remedy: 'Correct the line and key that the message names.',
  },
  CREDENTIAL_MISSING: {
    family: 'caller',
    http: 409,
    meaning: 'The credential of a model account is not where providers.yaml says.',
    remedy: 'Write the file that the message names, or set the variable where the workers start.',
  },
  CREDENTIAL_REFUSED: {
    family: 'caller',
    http: 409,
    meaning: 'A model provider does not accept the credential of an account, or not for this.',
    remedy:
      'Replace the credential, or give it the right that is missing; a file is read by the next call.',
  },
  MODEL_REFUSED: {
    family: 'upstream',
    http: 502,
    meaning: "The model provider's content policy refuses the request.",
    remedy: 'Change the prompt, or use a model of another provider.',
  },
  MODEL_REQUEST_INVALID: {
    family: 'upstream',
    http: 502,
    meaning: 'The model provider rejects the request as it is; the same request cannot pass.',
    remedy: "Read the provider's message; check the account's `baseUrl` and `api`.",
  },
  MODEL_REQUEST_TOO_LARGE: {
    family: 'upstream',
    http: 502,
    meaning: 'A request is larger than the provider or the limits of the account ever admit.',
    remedy: 'Use an account with a higher limit, or a smaller task.',
  },
  MODEL_CONTEXT_EXCEEDED: {
    family: 'upstream',
    http: 502,
    meaning: "The conversation is longer than the model's context.",
    remedy: 'Use a model with a larger context, or a smaller task.',
  },
  MODEL_CREDIT_EXHAUSTED: {
    family: 'policy',
    http: 409,
    meaning: 'A model account has no credit left, or reached the spending limit set there.',
    remedy: "Add credit or raise the limit with the provider; ado's own budgets are not involved.",
  },
  MODEL_FAILED: {
    family: 'upstream',
    http: 502,
    meaning: 'The model gave an answer that cannot be used.',
    remedy: 'Read `ado logs <id>`.',
  },
  SCRIPT_MISMATCH: {
    family: 'upstream',
    http: 502,
    meaning:
      'The conversation left the scripted model: a request it has no answer for, or an answer never asked for.',
    remedy: 'Correct the script; the message names the place.',
  },
  MODEL_RATE_LIMITED: {
    family: 'transient',
    http: 503,
    meaning: 'The model provider asked us to wait.',
    remedy: 'Nothing: the task waits and goes on.',
  },
  WORKERS_MISSING: {
    family: 'transient',
    http: 503,
    meaning: 'No worker of the pool that is needed is there, or none is free.',
    remedy: 'Start one that serves the pool of the message; `ado dev status` tells what runs here.',
  },
  MODEL_UNAVAILABLE: {
    family: 'transient',
    http: 503,
    meaning: 'The model provider does not answer.',
    remedy: 'Nothing: the call is repeated.',
  },
} as const satisfies Record<string, ErrorKind>;
