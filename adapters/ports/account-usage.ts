/** What a tenant's tasks used of accounts, and what they wait for. */
import type { WaitingTasks } from '../../contracts/providers.schema.ts';

/** What was used of one account. */
export interface UsedAccount {
  readonly account: string;
  /** Answers that are on record. */
  readonly calls: number;
  readonly costMicroUsd: number;
}

/** A model that was asked of an account. */
export interface UsedModel {
  readonly account: string;
  readonly model: string;
}

/** Reads of a tenant's records. Methods throw STORE_UNAVAILABLE. */
export interface AccountUsage {
  /** By account, since the day of an IANA time zone began. */
  listUsedToday(tenantId: string, timeZone: string): Promise<readonly UsedAccount[]>;
  /** The models that answered within the last 24 hours. */
  listUsedModels(tenantId: string): Promise<readonly UsedModel[]>;
  /** Open tasks that wait for accounts, those that wait for the same thing together, the most first. */
  listWaiting(tenantId: string): Promise<readonly WaitingTasks[]>;
}
