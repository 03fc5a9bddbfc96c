/** Credentials, read when they are used: a rotated one counts from the next call on. */
import { readFile } from 'node:fs/promises';
import { AppError } from '../contracts/errors.ts';
import type { ProviderAccount } from './providers-config.ts';

/**
 * Reads the credential of an account; undefined when the account has none.
 * @throws CREDENTIAL_MISSING naming the account and the variable or file, never what it holds
 */
export async function readCredential(
  { name, credential }: Pick<ProviderAccount, 'name' | 'credential'>,
  variables: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> {
  if (credential === undefined) return undefined;
  const { env, file } = credential;
  const place = env === undefined ? `the file ${file ?? ''}` : `the variable ${env}`;
  const text = env === undefined ? await findFile(file ?? '') : variables[env];
  const value = text?.trim() ?? '';
  if (value === '') throw missing(name, `${place} is not there or empty`);
  // Such a value fits no header, and the HTTP client would repeat it in its complaint.
  if (!/^[\x21-\x7e]+$/.test(value)) throw missing(name, `${place} holds more than a key`);
  return value;
}

async function findFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}

function missing(account: string, what: string): AppError {
  return new AppError('CREDENTIAL_MISSING', `account "${account}": ${what}`);
}
