import { localTenantId } from '../../contracts/names.ts';
import { contentKey, type Content } from './content-key.ts';

const content: Content = {
  tenantId: localTenantId,
  repository: '/repos/one',
  baseCommit: 'a'.repeat(40),
  prompt: 'Fix it',
  variables: { lib: 'zod' },
  filesDigest: 'd',
  work: {
    agent: 'builtin',
    model: 'scripted:/m.yaml',
    exec: undefined,
    policy: 'autonomous',
    gates: [{ name: 'test', command: 'npm test' }],
    allowHosts: [],
    delivery: { mode: 'branch' },
    maxCostMicroUsd: 1,
    timeoutMs: 1_000,
    priority: 3,
    labels: {},
    sandbox: 'bubblewrap',
    fresh: false,
  },
};
const withWork = (change: Partial<Content['work']>): Content => ({
  ...content,
  work: { ...content.work, ...change },
});

test.each<[string, Content]>([
  ['tenant', { ...content, tenantId: 'other' }],
  ['repository', { ...content, repository: '/repos/two' }],
  ['base commit', { ...content, baseCommit: 'b'.repeat(40) }],
  ['rendered prompt', { ...content, prompt: 'Fix that' }],
  ['variables', { ...content, variables: { lib: 'ajv' } }],
  ['files that are named', { ...content, filesDigest: 'e' }],
  ['agent', withWork({ agent: 'command' })],
  ['command', withWork({ exec: 'make' })],
  ['model', withWork({ model: 'scripted:/n.yaml' })],
  ['gates', withWork({ gates: [{ name: 'test', command: 'make test' }] })],
  ['gate profile', withWork({ gateProfile: 'strict' })],
  ['setup', withWork({ setup: 'npm ci' })],
  ['hosts', withWork({ allowHosts: ['packages.example.com'] })],
  ['delivery', withWork({ delivery: { mode: 'patch' } })],
  ['sandbox', withWork({ sandbox: 'none' })],
])('another %s is other work', (_what, other) => {
  expect(contentKey(other)).not.toBe(contentKey(content));
});

test.each<[string, Content]>([
  ['labels', withWork({ labels: { team: 'a' } })],
  ['priority', withWork({ priority: 1 })],
  ['budget', withWork({ maxCostMicroUsd: 2 })],
  ['time limit', withWork({ timeoutMs: 2_000 })],
  ['wish to run afresh', withWork({ fresh: true })],
])('another %s is the same work', (_what, other) => {
  expect(contentKey(other)).toBe(contentKey(content));
});

test('the order of variables does not matter', () => {
  const one = contentKey({ ...content, variables: { a: '1', b: '2' } });

  expect(contentKey({ ...content, variables: { b: '2', a: '1' } })).toBe(one);
});
