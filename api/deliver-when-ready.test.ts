import { deliverWhenReady } from './deliver-when-ready.ts';

test('search attributes are ensured until it worked once, and nothing is delivered before', async () => {
  const calls: string[] = [];
  const deliver = deliverWhenReady({
    ensureSearchAttributes: async () => {
      calls.push('ensure');
      await Promise.resolve();
      if (calls.length === 1) throw new Error('away');
    },
    deliver: async () => {
      await Promise.resolve();
      calls.push('deliver');
    },
  });
  const message = { kind: 'cancel-workflow', workflowId: 'w' } as const;

  await expect(deliver(message)).rejects.toThrow('away');
  await Promise.all([deliver(message), deliver(message)]);
  await deliver(message);

  expect(calls).toEqual(['ensure', 'ensure', 'deliver', 'deliver', 'deliver']);
});
