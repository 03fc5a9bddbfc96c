/** How a program is started behind the relay (relay-main.ts tells what that does). */
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { typeStrippingFlags } from './launcher.ts';

/** A port of the program's loopback, and the worker's socket behind it. */
export interface Reachable {
  readonly port: number;
  readonly socketPath: string;
}

/** Where a sandbox shows what the relay needs. */
const folderInside = '/run/ado';

/** Beside this file, as source or compiled. */
const extension = extname(fileURLToPath(import.meta.url));
const relayFile = fileURLToPath(new URL(`relay-main${extension}`, import.meta.url));
/** The ending says what the folder's package.json says outside. */
const relayInside = `${folderInside}/relay.m${extension.slice(1)}`;

/** The words that start a program behind the relay, outside of any sandbox. */
export function relayed(argv: readonly string[], reach: readonly Reachable[]): string[] {
  return relayArguments(relayFile, argv, reach);
}

/** The words that start a program behind the relay in a sandbox, and what that has to show for it. */
export function relayedInside(argv: readonly string[], reach: readonly Reachable[]) {
  const inside = reach.map(({ port, socketPath }, place) => ({
    port,
    socketPath: `${folderInside}/${place}.sock`,
    source: socketPath,
  }));
  return {
    argv: relayArguments(relayInside, argv, inside),
    /** The worker's own Node.js, at its own path: it may look for its libraries from there. */
    files: [process.execPath],
    mounts: [
      { source: relayFile, path: relayInside },
      ...inside.map(({ source, socketPath }) => ({ source, path: socketPath })),
    ],
  };
}

function relayArguments(
  file: string,
  argv: readonly string[],
  reach: readonly Reachable[],
): string[] {
  const ports = reach.map(({ port, socketPath }) => `${port}:${socketPath}`);
  return [process.execPath, ...nodeFlags(), file, ...ports, '--', ...argv];
}

/** What this Node.js needs to run the relay, and to say nothing of its own on the program's standard error. */
function nodeFlags(): string[] {
  return extension === '.ts'
    ? [...typeStrippingFlags(), '--disable-warning=ExperimentalWarning']
    : [];
}
