/** What is left when no tool is known: lines `file:line: message`, the form that most share. */
import type { Finding } from '../../../contracts/step.schema.ts';
import { toFinding, type Parser } from './parser.ts';

/** Reads them for a gate, by whose name they go. */
export function readAnyTool(gate: string): Parser {
  return (lines, places) => {
    const findings: Finding[] = [];
    for (const text of lines) {
      const match =
        /^\s*((?:\/|\.{1,2}\/)?[^\s:()]+\.[A-Za-z0-9]+)[:(](\d+)(?:[:,](\d+))?\)?:?\s*(.+)$/.exec(
          text,
        );
      const file = match?.[1] === undefined ? undefined : places.inTree(match[1]);
      if (file === undefined) continue;
      const [, , line, column, rest = ''] = match ?? [];
      const said = readMessage(rest);
      // Explains the finding above it.
      if (/^(note|info)$/i.test(said.severity ?? '')) continue;
      findings.push(toFinding({ tool: gate, file, line, column, ...said }));
    }
    return findings;
  };
}

/** `error: …  [name]`, `F401 …`, `error TS2322: …`: severity and code stand before or after what is said. */
function readMessage(text: string): {
  severity: string | undefined;
  code: string | undefined;
  message: string;
} {
  const [, severity, code, said = text] =
    /^(?:(?:fatal )?(error|warning|note|info)\b(?:\[(\w+)\])?:? *)?(.*)$/i.exec(text) ?? [];
  const before = /^([A-Z]{1,8}\d{2,5})\b:? +(?:\[\*\] )?(.+)$/.exec(said);
  if (before !== null) return { severity, code: before[1], message: before[2] ?? said };
  const after = /^(.+?) {1,2}\[([\w-]+)\]$/.exec(said);
  if (after !== null) return { severity, code: after[2], message: after[1] ?? said };
  return { severity, code, message: said };
}
