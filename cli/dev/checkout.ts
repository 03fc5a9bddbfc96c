/** This checkout of ado: where its folders are, and how its own programs are started with Node. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isAtLeast } from './versions.ts';

/** The folder that holds package.json, whether this file runs as source or from a build folder inside it. */
export function checkoutRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder)
      throw new Error('The package.json of ado was not found above its own files.');
    folder = parent;
  }
  return folder;
}

/** The version of ado, from package.json. */
export function adoVersion(): string {
  const content: unknown = JSON.parse(readFileSync(join(checkoutRoot(), 'package.json'), 'utf8'));
  const version =
    typeof content === 'object' && content !== null && 'version' in content ? content.version : '';
  return typeof version === 'string' ? version : '';
}

/**
 * The path of one of ado's own programs, such as `api/main`: the source beside this file when this file is source, the
 * compiled one when it is compiled.
 */
export function programPath(name: string): string {
  const here = fileURLToPath(import.meta.url);
  return join(dirname(here), '..', '..', `${name}${here.endsWith('.ts') ? '.ts' : '.js'}`);
}

/** Flags with which a Node runs the sources: from 22.18 and 23.6 it strips types by itself, before that on request. */
export function nodeFlags(version: string = process.versions.node): readonly string[] {
  const quiet = '--disable-warning=ExperimentalWarning';
  const stripsTypes = isAtLeast(version, version.startsWith('23.') ? '23.6.0' : '22.18.0');
  return stripsTypes ? [quiet] : ['--experimental-strip-types', quiet];
}
