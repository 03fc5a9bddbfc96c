/** HTML by template literals. Every value is escaped unless it is HTML already, so hostile text stays text. */
import { reveal } from '../reveal.ts';

/** HTML that may stand in a page as it is. Made by `html` only. */
export interface Html {
  readonly html: string;
}

type Value = string | number | Html | readonly Html[] | undefined;

/** Makes HTML of a template; values stand in text, or in attributes in double quotes. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  const made = parts.map((part, index) => part + toHtml(values[index]));
  return { html: made.join('') };
}

/** Something that a program of ours wrote for the page: style, script, data. */
export function trusted(text: string): Html {
  return { html: text };
}

function toHtml(value: Value): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return escapeText(value);
  if (typeof value === 'number') return String(value);
  return 'html' in value ? value.html : value.map((part) => part.html).join('');
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

function escapeText(text: string): string {
  return reveal(text).replace(/[&<>"'`]/g, (found) => entities[found] ?? found);
}

/** Data for a script, as the text of a `<script type="application/json">`: nothing in it can end that element. */
export function toData(value: unknown): Html {
  const text = JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'string' ? reveal(part) : part,
  );
  return trusted(text.replace(/</g, '\\u003c'));
}
