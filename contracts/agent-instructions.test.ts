// What agents are told for good.
import { agentInstructions } from './agent-instructions.ts';

test('the checks that must pass are named, a line each', () => {
  const text = agentInstructions([{ command: 'npm test' }, { command: 'make\n  lint' }]);

  expect(text).toContain('  - `npm test`\n  - `make lint`\n');
  expect(agentInstructions([])).not.toContain('checks');
});
