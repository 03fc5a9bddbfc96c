/** A worker in small, to be killed: one step of a task in a fresh worktree, up to its delivery. */
import { createCrashPoint } from '../../../adapters/crashpoints.ts';
import { createWorkspaces } from '../../../adapters/workspaces/create-workspaces.ts';

const [dataDir = '', repository = '', headCommit = '', key = '', effectId = '', crashpoints = ''] =
  process.argv.slice(2);
const workspaces = createWorkspaces({
  dataDir,
  homeDir: '/nonexistent',
  toolPath: process.env['PATH'] ?? '',
  allowUnsandboxed: false,
  crashpoint: createCrashPoint(crashpoints, `${dataDir}/markers-${effectId}`),
});
const branch = `ado/${key}`;
const task = { key, repository, baseCommit: headCommit, headCommit, branch };
const workspace = await workspaces.prepare(task);
await workspaces.run(workspace, {
  // Another attempt writes something else.
  argv: ['sh', '-c', `echo ${effectId} >> steps; echo ${process.pid} > attempt`],
  sandbox: 'bubblewrap',
  timeoutMs: 60_000,
});
process.stdout.write('committing\n');
await workspaces.commit(workspace, {
  message: `Step ${effectId}`,
  date: new Date('2026-01-02T03:04:05Z'),
  effectId,
  branch,
  baseCommit: headCommit,
});
workspaces.close();
