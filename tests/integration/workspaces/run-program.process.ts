/** A worker in small, to be killed: runs one command in a worktree that is there. */
import { createWorkspaces } from '../../../adapters/workspaces/create-workspaces.ts';

const [dataDir = '', path = '', headCommit = '', sandbox, command = ''] = process.argv.slice(2);
const workspaces = createWorkspaces({
  dataDir,
  homeDir: '/nonexistent',
  toolPath: process.env['PATH'] ?? '',
  allowUnsandboxed: true,
  crashpoint: () => Promise.resolve(),
});
await workspaces.run(
  { path, headCommit },
  {
    argv: ['sh', '-c', command],
    sandbox: sandbox === 'none' ? 'none' : 'bubblewrap',
    timeoutMs: 60_000,
  },
);
