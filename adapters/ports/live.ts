/** Signals and slots, in Redis. */

/** What is told through Redis, best effort: whoever listens also looks at PostgreSQL from time to time. */
export type LiveTopic =
  /** New events are committed in a stream. */
  | { readonly kind: 'events'; readonly streamId: string }
  /** A task should stop. */
  | { readonly kind: 'cancel'; readonly taskId: string }
  /** Text that a model or program writes right now; never stored. */
  | { readonly kind: 'delta'; readonly taskId: string };

/** Publish and subscribe. Never fails the caller: a lost message costs at most the listener's next look. */
export interface LiveChannel {
  publish(topic: LiveTopic, payload?: string): void;
  /** Calls back for each message until the returned function is called. */
  subscribe(topic: LiveTopic, onMessage: (payload: string) => void): Promise<() => void>;
}

/** One bound on how many hold a slot at once. */
export interface SlotScope {
  /** `tenant:<id>` or `batch:<id>`. */
  readonly name: string;
  readonly limit: number;
  /** The holders that PostgreSQL knows; used to fill the scope again when Redis has lost it. */
  readonly holders: () => Promise<readonly string[]>;
}

/** Slots as leases: a holder has one slot in every scope or none. A lease ends 15 s after its last renewal. */
export interface SlotLeases {
  /**
   * Waits until the holder has a slot in all scopes at once. A holder that has them already gets them again at once.
   * `scopes` is asked anew on every try, so that a changed limit counts. Woken by a release within milliseconds.
   * Rejects with the signal's reason when aborted. Throws LIMITER_UNAVAILABLE when Redis does not answer.
   */
  acquire(request: {
    readonly tenantId: string;
    readonly holder: string;
    readonly scopes: () => Promise<readonly SlotScope[]>;
    readonly signal: AbortSignal;
    /** Called once when it has to wait. */
    readonly onWait?: () => void;
  }): Promise<void>;
  /**
   * Renews the lease in all scopes where the holder has it; answers whether it has it in all of them. `forMs` is for a
   * holder that will be silent for longer than a lease. Default 15 s.
   */
  renew(
    tenantId: string,
    holder: string,
    scopeNames: readonly string[],
    forMs?: number,
  ): Promise<boolean>;
  /** Gives the slot back and wakes waiters. Repeating it changes nothing. */
  release(tenantId: string, holder: string, scopeNames: readonly string[]): Promise<void>;
}
