/**
 * The partner that an agent of the Agent Client Protocol (version 1, agentclientprotocol.com) wants on its other end: inside
 * the sandbox, as nothing outside should answer it. It plays one turn and prints JSON lines for acp.ts.
 *
 *   node acp-driver-main.ts <session id or ''> <command>     the prompt on standard input
 *
 * The sandbox has no other file of ado: beside Node.js it imports only what acp.ts shows there.
 */
import { spawn } from 'node:child_process';
import { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setImmediate, setTimeout } from 'node:timers/promises';
import {
  client,
  methods,
  ndJsonStream,
  PROTOCOL_VERSION,
  RequestError,
  type ClientContext,
  type ContentBlock,
  type NewSessionRequest,
  type RequestPermissionRequest,
  type RequestPermissionResponse,
} from '@agentclientprotocol/sdk';

const [sessionBefore = '', command = ''] = process.argv.slice(2);

const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

/**
 * Lets the agent do all that it asks for, once each time: the sandbox bounds it. What leaves no way to allow it is told
 * as denied. Some agents tell of a call only by asking, so that is told too.
 */
function permit({ toolCall, options }: RequestPermissionRequest): RequestPermissionResponse {
  print({ type: 'asked', call: toolCall });
  const allowed =
    options.find(({ kind }) => kind === 'allow_once') ??
    options.find(({ kind }) => kind === 'allow_always');
  if (allowed !== undefined)
    return { outcome: { outcome: 'selected', optionId: allowed.optionId } };
  print({ type: 'denied', call: toolCall.title });
  return { outcome: { outcome: 'cancelled' } };
}

/**
 * A new session, or the one that was told of before. One that is lost is no new one: its prompt may be a mere answer, so
 * the caller has to know.
 */
async function openSession(agent: ClientContext): Promise<string> {
  const { agentCapabilities } = await agent.request(methods.agent.initialize, {
    protocolVersion: PROTOCOL_VERSION,
    // It reads and writes files and runs commands by itself: the tree is its own.
    clientCapabilities: { fs: { readTextFile: false, writeTextFile: false }, terminal: false },
  });
  const where: NewSessionRequest = { cwd: process.cwd(), mcpServers: [] };
  if (sessionBefore === '')
    return (await agent.request(methods.agent.session.new, where)).sessionId;
  if (agentCapabilities?.loadSession !== true)
    throw new Error('The agent cannot go on with an earlier session.');
  await agent.request(methods.agent.session.load, { sessionId: sessionBefore, ...where });
  return sessionBefore;
}

/** Answers why the agent stopped. */
async function playTurn(agent: ClientContext): Promise<string> {
  const prompt: ContentBlock[] = [{ type: 'text', text: await text(process.stdin) }];
  const sessionId = await openSession(agent);
  await setImmediate(); // What the agent repeated of the session has been heard.
  isReplaying = false;
  print({ type: 'session', sessionId });
  const { stopReason } = await agent.request(methods.agent.session.prompt, { sessionId, prompt });
  await setImmediate(); // An answer can overtake the updates before it.
  return stopReason;
}

function tell(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { details } = (error instanceof RequestError ? (error.data ?? {}) : {}) as {
    details?: string;
  };
  return details === undefined ? error.message : `${error.message}: ${details}`;
}

let isReplaying = sessionBefore !== '';

const program = spawn('sh', ['-c', command], { stdio: ['pipe', 'pipe', 'inherit'] });
const died = new Promise<{ type: 'died'; why: string }>((resolve) => {
  const tellDeath = (how: string): void => {
    resolve({ type: 'died', why: `The agent ended before its turn was over (${how}).` });
  };
  program.once('error', (error) => {
    tellDeath(error.message);
  });
  program.once('close', (code, signal) => {
    tellDeath(signal ?? `exit code ${String(code)}`);
  });
});
const { agent, signal: closed } = client({ name: 'ado' })
  .onRequest(methods.client.session.requestPermission, ({ params }) => permit(params))
  .onNotification(methods.client.session.update, ({ params: { update } }) => {
    if (!isReplaying) print({ type: 'update', update });
  })
  .connect(ndJsonStream(Writable.toWeb(program.stdin), Readable.toWeb(program.stdout)));

const turn = playTurn(agent).then(
  (stopReason) => ({ type: 'end', stopReason }),
  async (error: unknown) => {
    // Its output ends a moment before itself, and how that ended says more.
    if (closed.aborted) await setTimeout(1_000, undefined, { ref: false });
    return { type: 'end', error: tell(error) };
  },
);
const last = await Promise.race([turn, died]);
print(last);
process.exitCode = 'stopReason' in last ? 0 : 1;
program.kill('SIGTERM');
// It has a second to leave in good order; what it leaves behind ends with the sandbox.
void setTimeout(1_000, undefined, { ref: false }).then(() => program.kill('SIGKILL'));
