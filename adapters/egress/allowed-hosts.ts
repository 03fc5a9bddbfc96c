/**
 * Which host and port a client of the egress proxy asks for, and whether its task may reach them.
 *
 * What is asked for is text of an agent's. It is matched as it stands against the narrowest grammar that names of public
 * hosts have, lower-cased and nothing else: no URL parser, which would make `127.1` an address and `%65vil` a letter.
 */

/** Letters, digits and hyphens in at least two labels, of which the last is no number. No address, user or dot at the end. */
const hostGrammar =
  /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/i;

/** The port of an entry that names none. */
const defaultPort = 443;

/** What a client asks to be connected to. */
export interface Destination {
  readonly host: string;
  readonly port: number;
}

/** Reads what a CONNECT names: host and port, both of them. */
export function readAuthority(text: string): Destination | undefined {
  const [, host = '', port = ''] = /^([^:]*):([0-9]{1,5})$/.exec(text) ?? [];
  return destinationOf(host, port);
}

/** Reads the URL that a plain request to a proxy names, and the path in it. */
export function readPlainUrl(text: string): (Destination & { readonly path: string }) | undefined {
  const match = /^http:\/\/([^/?#:]*)(?::([0-9]{1,5}))?([/?][^\s#]*)?$/i.exec(text);
  if (match === null) return undefined;
  const [, host = '', port = '80', path = '/'] = match;
  const destination = destinationOf(host, port);
  return destination && { ...destination, path: path.startsWith('/') ? path : `/${path}` };
}

function destinationOf(text: string, digits: string): Destination | undefined {
  const port = Number(digits);
  // Matched before it is lower-cased: the lower case of U+212A, the sign of Kelvin, is a plain k.
  if (!hostGrammar.test(text) || port < 1 || port > 65_535) return undefined;
  return { host: text.toLowerCase(), port };
}

/** Answers whether a list of entries `host`, `*.domain`, each perhaps with `:port`, holds a destination. */
export function isAllowed(entries: readonly string[], { host, port }: Destination): boolean {
  return entries.some((entry) => {
    const [name = '', digits = String(defaultPort)] = entry.split(':');
    if (Number(digits) !== port) return false;
    // A name inside of the domain, at any depth; not the domain itself.
    return name.startsWith('*.') ? host.endsWith(name.slice(1)) : host === name;
  });
}
