/** Tells people on stderr what is going on, and how far a long step has come. */

/** Where lines go: stderr, or a list in tests. */
export interface ReportStream {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

/** Writes what the platform has to say to people, one line at a time. */
export class Reporter {
  readonly #stream: ReportStream;
  readonly #clock: () => number;
  #lineOpen = false;

  constructor(stream: ReportStream, clock: () => number = Date.now) {
    this.#stream = stream;
    this.#clock = clock;
  }

  /** Writes a line of its own. */
  line(text: string): void {
    this.#close();
    this.#stream.write(`${text}\n`);
  }

  /** Begins a long step; its lines are `<what>: <detail>, <time>`. */
  step(what: string, options: { readonly intervalMs?: number } = {}): ProgressStep {
    // On a terminal one line is rewritten; in a log a line now and then says that it goes on.
    const intervalMs = options.intervalMs ?? (this.#stream.isTTY === true ? 200 : 15_000);
    const startedAt = this.#clock();
    let detail = '';
    const show = (): void => {
      const parts = [detail, formatDuration(this.#clock() - startedAt)].filter(
        (part) => part !== '',
      );
      this.#show(`${what}: ${parts.join(', ')}`);
    };
    show();
    const timer = setInterval(show, intervalMs);
    timer.unref();
    return {
      update: (text) => {
        detail = text;
      },
      end: (text) => {
        clearInterval(timer);
        detail = text;
        show();
        this.#close();
      },
    };
  }

  #show(text: string): void {
    if (this.#stream.isTTY !== true) {
      this.#stream.write(`${text}\n`);
      return;
    }
    this.#stream.write(`\r\u001b[K${text}`);
    this.#lineOpen = true;
  }

  #close(): void {
    if (this.#lineOpen) this.#stream.write('\n');
    this.#lineOpen = false;
  }
}

/** A long step under way. */
export interface ProgressStep {
  /** How far it has come, such as `812 of 2103 packages`. */
  readonly update: (detail: string) => void;
  /** Ends it with a last word, such as `done`. */
  readonly end: (detail: string) => void;
}

/** Writes a duration as people say it: `45s`, `1m20s`. */
export function formatDuration(durationMs: number): string {
  const seconds = Math.round(durationMs / 1_000);
  const minutes = Math.floor(seconds / 60);
  return minutes === 0
    ? `${String(seconds)}s`
    : `${String(minutes)}m${String(seconds % 60).padStart(2, '0')}s`;
}
