/** The Outbox port in memory. A message whose delivery failed stays and is due again at once. */
import type { Outbox } from '../../../adapters/ports.ts';
import type { OutboxMessage } from '../../../contracts/messages.ts';

/** Makes an outbox over the messages given; delivered ones are taken out of the array. */
export function createMemoryOutbox(messages: OutboxMessage[]): Outbox {
  return {
    relay: async (limit, deliver) => {
      const due = messages.slice(0, limit);
      let delivered = 0;
      for (const message of due) {
        try {
          await deliver(message);
        } catch {
          continue;
        }
        messages.splice(messages.indexOf(message), 1);
        delivered += 1;
      }
      return delivered;
    },
  };
}
