/** What was spent, read from the records of answered calls and from the purchases of all. */
import type { Purchase, Usage, UsageGroup, UsageRow } from '../../contracts/usage.schema.ts';
import type { Actor, Page } from './store.ts';

/** A period: from a moment on, up to but without another. */
export interface Period {
  readonly from: Date;
  readonly to: Date;
}

/** What is to be added up. */
export interface UsageFilter extends Period {
  readonly by: UsageGroup;
  /** Where days begin: an IANA name. */
  readonly timeZone: string;
  /** Only what the items of this batch spent. */
  readonly batchId?: string | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** What earlier tasks of a model have cost. */
export interface TaskCosts {
  /** How many there are, of the latest hundred. */
  readonly tasks: number;
  /** Nine of ten cost no more than this; 0 when there are none. */
  readonly p90MicroUsd: number;
}

/** What a tenant spent; nobody sees another's. Methods throw STORE_UNAVAILABLE. */
export interface UsageStore {
  /** Sums of a period: dearest first, days in their order. @throws INVALID_REQUEST for a cursor of another list */
  sumUsage(actor: Actor, filter: UsageFilter): Promise<Page<UsageRow> & Pick<Usage, 'total'>>;
  /** What was spent in each of several periods. */
  sumCosts(actor: Actor, periods: readonly Period[]): Promise<readonly number[]>;
  /** When the first call of all was answered; undefined when none was. */
  findFirstCall(actor: Actor): Promise<Date | undefined>;
  /** Purchases, newest first. @throws TASK_NOT_FOUND · INVALID_REQUEST for a cursor of another list */
  listPurchases(
    actor: Actor,
    filter: {
      readonly state?: Purchase['state'] | undefined;
      readonly taskId?: string | undefined;
      readonly limit: number;
      readonly cursor?: string | undefined;
    },
  ): Promise<Page<Purchase>>;
  /** What attempts of finished tasks with a model cost, from their usage records. */
  findTaskCosts(actor: Actor, model: string): Promise<TaskCosts>;
}
