/** Temporal, as the API and the relay use it. */
import type {
  AccountCredential,
  PublishAnswer,
  PublishInput,
  TaskRef,
} from '../../contracts/activities.ts';
import type { OutboxMessage } from '../../contracts/messages.ts';
import type { AccountTest } from '../../contracts/providers.schema.ts';

/** An attempt of a task whose workflow has ended without a result. */
export interface LostTask {
  readonly ref: TaskRef;
  /** Temporal's word: terminated, failed, timed out, cancelled. */
  readonly how: string;
}

/** Temporal as the API and the relay use it. Throws ENGINE_UNAVAILABLE when it does not answer. */
export interface WorkflowEngine {
  /** Delivers a message; a start that Temporal knows already, or a cancel of an ended workflow, counts as delivered. */
  deliver(message: OutboxMessage): Promise<void>;
  /** Tasks whose workflow was ended from outside since then; seconds late, as Temporal's lists are. */
  listLostTasks(since: Date): Promise<readonly LostTask[]>;
  isReady(): Promise<boolean>;
}

/** Looks at accounts through a worker of the models pool, for a tenant's person who waits. Throws ENGINE_UNAVAILABLE. */
export interface AccountChecks {
  /** Tests an account; that no worker is there is an answer, after half a minute at most. */
  testAccount(tenantId: string, account: string): Promise<AccountTest>;
  /** Where the credentials of all accounts stand; undefined when no worker told within a few seconds. */
  listCredentials(tenantId: string): Promise<readonly AccountCredential[] | undefined>;
}

/** Publishes kept work through a worker of the agents pool, for a person who waits. Throws ENGINE_UNAVAILABLE. */
export interface Publisher {
  /** Two who ask for the same at once get the same answer; that no worker is there is an answer, too. */
  publish(input: PublishInput): Promise<PublishAnswer>;
}
