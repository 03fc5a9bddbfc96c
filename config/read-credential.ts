/** Credentials, read when they are used: a rotated one counts from the next call on. */
import { readFile } from 'node:fs/promises';
import { AppError } from '../contracts/errors.ts';
import type { ProviderAccount } from './providers-config.ts';

type Place = Pick<ProviderAccount, 'name' | 'credential'>;

/**
 * Reads the credential of an account; undefined when the account has none.
 * @throws CREDENTIAL_MISSING naming the account and the variable or file, never what it holds
 */
export async function readCredential(
  account: Place,
  variables: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> {
  const { value, problem } = await look(account, variables);
  if (problem === undefined) return value;
  throw new AppError('CREDENTIAL_MISSING', `account "${account.name}": ${problem}`);
}

/** Answers which variable or file is missing or cannot be used; undefined when the account has what it needs. */
export async function findCredentialProblem(
  account: Place,
  variables: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> {
  return (await look(account, variables)).problem;
}

async function look(
  { credential }: Place,
  variables: NodeJS.ProcessEnv,
): Promise<{ readonly value?: string; readonly problem?: string }> {
  if (credential === undefined) return {};
  const { env, file } = credential;
  const place = env === undefined ? `the file ${file ?? ''}` : `the variable ${env}`;
  const text = env === undefined ? await findFile(file ?? '') : variables[env];
  const value = text?.trim() ?? '';
  if (value === '') return { problem: `${place} is not there or empty` };
  // Such a value fits no header, and the HTTP client would repeat it in its complaint.
  if (!/^[\x21-\x7e]+$/.test(value)) return { problem: `${place} holds more than a key` };
  return { value };
}

async function findFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}
