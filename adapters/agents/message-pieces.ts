/** Agents that tell their messages in pieces: the pieces between two events of another kind are one text. */
import type { AgentEvent } from '../ports.ts';

/** A text this long is told at once, and what follows is another: an agent that never ends one fills no memory. */
const maxChars = 65_536;

/** Joins pieces. */
export function createMessagePieces(): {
  /** Takes a piece; answers the text that it completes, if any. */
  add(piece: string): readonly AgentEvent[];
  /** The text so far. */
  text(): string;
  /** Ends the text; answers it, if there is any. */
  flush(): readonly AgentEvent[];
} {
  let open = '';
  const flush = (): readonly AgentEvent[] => {
    const text = open;
    open = '';
    return text === '' ? [] : [{ kind: 'text', text }];
  };
  return {
    add(piece) {
      open += piece;
      return open.length > maxChars ? flush() : [];
    },
    text: () => open,
    flush,
  };
}
