/** Chooses what a script says and does for a call. */
import { emptyScript } from './script.ts';
import type { Fault, FormatName, Script, ScriptedAnswer, When } from './script.ts';
import { turnOf } from './wire-format.ts';
import type { ModelRequest } from './wire-format.ts';

/** A call, as scripts look at it. */
export interface ScriptedCall {
  readonly format: FormatName;
  readonly key: string;
  readonly request: ModelRequest;
}

/** What the script has for a call. */
export interface Choice {
  /** Undefined when the script names no answer that fits. */
  readonly answer: ScriptedAnswer | undefined;
  readonly fault: Fault | undefined;
  /** Counts the call, once it is let in. */
  readonly commit: () => void;
}

/** Plays a script. Its only state is how many calls each line with `calls` has seen. */
export class ScriptRunner {
  script: Script = emptyScript;
  readonly #seen = new WeakMap<When, number>();

  /** Chooses for a call; nothing is counted until `commit`. */
  choose(call: ScriptedCall): Choice {
    const { answers, faults } = this.script;
    const fitting = [...answers, ...faults]
      .map(({ when }) => when)
      .filter((when) => fits(when, call));
    const isDue = ({ when }: { when: When }): boolean =>
      fitting.includes(when) &&
      (when.calls === undefined || when.calls.includes((this.#seen.get(when) ?? 0) + 1));
    return {
      answer: answers.find(isDue),
      fault: faults.find(isDue),
      commit: () => {
        for (const when of fitting) this.#seen.set(when, (this.#seen.get(when) ?? 0) + 1);
      },
    };
  }
}

function fits(when: When, { format, key, request }: ScriptedCall): boolean {
  return (
    (when.format === undefined || when.format === format) &&
    (when.key === undefined || when.key === key) &&
    (when.model === undefined || when.model === request.model) &&
    (when.turn === undefined || when.turn === turnOf(request)) &&
    (when.contains === undefined || request.lastText.includes(when.contains))
  );
}
