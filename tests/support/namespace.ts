/** A Temporal namespace of a test's own, so that the fixed queue names of tests that run side by side never meet. */
import { randomUUID } from 'node:crypto';
import { Connection } from '@temporalio/client';
import { ensureSearchAttributes } from '../../adapters/temporal/search-attributes.ts';
import { testService } from './environment.ts';

const retentionSeconds = 86_400;

/** A namespace that is ready to be used, with ado's search attributes. */
export interface TestNamespace {
  readonly name: string;
  readonly connection: Connection;
  close(): Promise<void>;
}

/** Makes a namespace and waits until it serves. */
export async function createTestNamespace(): Promise<TestNamespace> {
  const connection = await Connection.connect({ address: testService('temporalAddress') });
  const name = `test-${randomUUID()}`;
  await connection.workflowService.registerNamespace({
    namespace: name,
    workflowExecutionRetentionPeriod: { seconds: retentionSeconds as unknown as never },
  });
  await retried(() => ensureSearchAttributes(connection, name));
  return { name, connection, close: () => connection.close() };
}

/** A namespace is known to all of the server's services within a few seconds. */
async function retried<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run();
    } catch (error) {
      if (attempt === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
