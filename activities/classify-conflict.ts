/** What kind of conflict keeps work from being merged, told from the files that it is in. */
import type { ConflictClass } from '../contracts/approval.ts';

/** Files that programs write: a merge of two of them is neither. */
const lockFiles =
  /(^|\/)(package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|go\.sum|[^/]+\.lock|[^/]+\.lockfile)$/i;

/** Words that, as a part of a path, stand for access, money, stored data and configuration. */
const criticalWords = [
  ...['auth', 'authentication', 'authorization', 'oauth', 'login', 'session', 'sessions'],
  ...['password', 'passwords', 'permission', 'permissions', 'secret', 'secrets', 'security'],
  ...['payment', 'payments', 'billing', 'checkout', 'invoice', 'invoices'],
  ...['schema', 'schemas', 'migration', 'migrations', 'migrate'],
  ...['config', 'configuration', 'settings', 'env', 'workflows'],
];
const criticalWord = new Set(criticalWords);

/** Classifies one file: by its name, and by the words that its path is made of. */
export function classifyConflict(path: string): ConflictClass {
  if (lockFiles.test(path) || /\.sql$/i.test(path)) return 'critical';
  const words = path.replace(/([a-z0-9])([A-Z])/g, '$1-$2').split(/[^A-Za-z0-9]+/);
  return words.some((word) => criticalWord.has(word.toLowerCase())) ? 'critical' : 'simple';
}

/**
 * Languages in which the amount of white space says nothing. Those that are not listed may be made of it: Python, YAML,
 * Makefiles, Markdown, templates.
 */
const freeOfSpace =
  /\.([cm]?[jt]sx?|jsonc?|java|kts?|cs|go|rs|swift|dart|php|c|cc|cpp|cxx|h|hh|hpp|hxx|m|mm|css|scss|less|proto|graphql)$/i;

/** Whether a conflict in a file is none when only the amount of white space was changed by one side. */
export function isFreeOfSpace(path: string): boolean {
  return freeOfSpace.test(path) && classifyConflict(path) === 'simple';
}

/** Says in a line which files are in conflict, the critical ones first; at most ten of each. */
export function describeConflicts(files: readonly string[]): string {
  const parts = (['critical', 'simple'] as const).map((kind) => {
    const found = files.filter((file) => classifyConflict(file) === kind);
    if (found.length === 0) return undefined;
    const more = found.length > 10 ? ` and ${String(found.length - 10)} more` : '';
    return `${kind}: ${found.slice(0, 10).join(', ')}${more}`;
  });
  return parts.filter((part) => part !== undefined).join('; ');
}
