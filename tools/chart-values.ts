/** The settings of the chart, as helm/values.yaml tells them: each with its default, and the comment above it that begins `# --`. */
import { isMap, isScalar, LineCounter, parseDocument, stringify, type Pair } from 'yaml';

/** A setting, or a group of them, which has no default of its own. */
export interface ChartValue {
  /** Path of its key, `api.autoscaling`. */
  readonly key: string;
  readonly default?: string;
  readonly meaning: string;
}

/** What means the same wherever it stands without a comment. */
const everywhere: Readonly<Record<string, string>> = {
  enabled: 'Whether it is there.',
  image: 'A digest wins over the tag.',
  pdb: 'Disruption budget: minAvailable or maxUnavailable; null for none.',
  persistence: 'Its volume.',
  resources: 'What a container asks for, and the most it gets.',
};

/**
 * Lists the settings of a file of values in their order. A group whose parts have no comments is one setting.
 * @throws Error naming those that nothing is said about
 */
export function listChartValues(text: string): readonly ChartValue[] {
  const positions = new LineCounter();
  const document = parseDocument(text, { lineCounter: positions });
  const lines = text.split('\n');
  const values = isMap(document.contents)
    ? document.contents.items.flatMap((pair) => valuesOf(pair, '', { lines, positions }))
    : [];
  const untold = values.filter(({ meaning }) => meaning === '').map(({ key }) => key);
  if (untold.length > 0)
    throw new Error(`helm/values.yaml: say in a comment \`# -- …\` what ${untold.join(', ')} mean`);
  return values;
}

interface Source {
  readonly lines: readonly string[];
  readonly positions: LineCounter;
}

function valuesOf({ key, value }: Pair, above: string, source: Source): readonly ChartValue[] {
  if (!isScalar(key)) return [];
  const name = String(key.value);
  const path = `${above}${name}`;
  const comment = commentAbove(source.positions.linePos(key.range?.[0] ?? 0).line - 1, source);
  if (isMap(value) && value.flow !== true) {
    const parts = value.items.flatMap((pair) => valuesOf(pair, `${path}.`, source));
    const isWhole = comment !== '' || name in everywhere;
    const areTold = parts.some(({ key, meaning }) => meaning !== (everywhere[lastWord(key)] ?? ''));
    if (!isWhole || areTold)
      return comment === '' ? parts : [{ key: path, meaning: comment }, ...parts];
  }
  const shown = stringify(value, { collectionStyle: 'flow', lineWidth: 0, singleQuote: true });
  const meaning = comment === '' ? (everywhere[name] ?? '') : comment;
  return [{ key: path, default: shown.trim(), meaning }];
}

/** The comment that ends above a line, counted from 0; nothing when it does not begin with `# --`. */
function commentAbove(line: number, { lines }: Source): string {
  let first = line;
  while (lines[first - 1]?.trimStart().startsWith('#') === true) first -= 1;
  const text = lines
    .slice(first, line)
    .map((one) => one.trim().replace(/^# ?/, ''))
    .join(' ');
  return text.startsWith('-- ') ? text.slice('-- '.length) : '';
}

function lastWord(key: string): string {
  return key.split('.').at(-1) ?? key;
}
