/** Building blocks of the streams of all formats. */
import type { Reply, WireEvent } from '../wire-format.ts';
import type { Usage } from '../usage.ts';

/** Characters of one piece of a stream. */
const pieceLength = 24;

/** Cuts a text into the pieces of a stream; an empty text has none. */
export function toPieces(text: string): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; at += pieceLength)
    pieces.push(text.slice(at, at + pieceLength));
  return pieces;
}

/** What one event carries of the answer. */
export interface Carried {
  /** Characters of reasoning. */
  readonly reasoning?: number;
  /** Characters of text and tool inputs. */
  readonly output?: number;
  /** The usage is told: as billed up to here, or another. */
  readonly tells?: 'produced' | Usage;
}

/** Collects the events of a stream and keeps account of what was produced up to each. */
export class EventList {
  readonly events: WireEvent[] = [];
  readonly #reply: Reply;
  readonly #totals: { readonly reasoning: number; readonly output: number };
  #reasoning = 0;
  #output = 0;

  constructor(reply: Reply) {
    this.#reply = reply;
    const { reasoning = '', text = '', toolCalls } = reply.answer;
    const inputs = toolCalls.map(({ input }) => JSON.stringify(input).length);
    const output = inputs.reduce((sum, length) => sum + length, text.length);
    this.#totals = { reasoning: reasoning.length, output };
  }

  /** Adds an event. The frame may tell the usage up to and with it. */
  add(frame: string | ((produced: Usage) => string), carried: Carried = {}): void {
    this.#reasoning += carried.reasoning ?? 0;
    this.#output += carried.output ?? 0;
    const produced = this.#produced();
    const text = typeof frame === 'string' ? frame : frame(produced);
    const told = carried.tells === 'produced' ? produced : carried.tells;
    this.events.push({ frame: text, produced, ...(told === undefined ? {} : { told }) });
  }

  /** Adds the pieces of a text, an event each. */
  addPieces(kind: 'reasoning' | 'output', text: string, toFrame: (piece: string) => string): void {
    for (const piece of toPieces(text)) this.add(toFrame(piece), { [kind]: piece.length });
  }

  #produced(): Usage {
    const { usage } = this.#reply;
    const visible = usage.outputTokens - usage.reasoningTokens;
    // Reasoning that no event shows came before the rest.
    const reasoning = share(usage.reasoningTokens, this.#reasoning, this.#totals.reasoning);
    const begun = this.#totals.reasoning === 0 && this.#output === 0 ? 0 : reasoning;
    const output = this.#output === 0 ? 0 : share(visible, this.#output, this.#totals.output);
    return { ...usage, reasoningTokens: begun, outputTokens: begun + output };
  }
}

function share(tokens: number, done: number, total: number): number {
  return done >= total ? tokens : Math.floor((tokens * done) / total);
}

/** A server-sent event with a name and JSON data. */
export function namedFrame(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** A server-sent event with JSON data only. */
export function dataFrame(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}
