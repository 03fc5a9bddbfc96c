/**
 * Speaks the Agent Client Protocol (version 1, agentclientprotocol.com) with an agent, inside the sandbox: the agent wants
 * a partner on both its ends, and nothing outside should answer it. It plays one turn and prints JSON lines for acp.ts.
 *
 *   node acp-driver-main.ts <session id or ''> <command>     the prompt on standard input
 *
 * Stands alone: in the sandbox there is no other file of ado, and no package.
 */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { createInterface } from 'node:readline';

type Json = Readonly<Record<string, unknown>>;

const [sessionBefore = '', command = ''] = process.argv.slice(2);

const print = (line: Json): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const objectIn = (value: unknown): Json =>
  typeof value === 'object' && value !== null ? (value as Json) : {};
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

const agent = spawn('sh', ['-c', command], { stdio: ['pipe', 'pipe', 'inherit'] });
agent.stdin.on('error', () => undefined); // It may end while it is spoken to; its end is heard below.

const waiting = new Map<
  number,
  { resolve: (result: Json) => void; reject: (error: Error) => void }
>();
let calls = 0;

function send(message: Json): void {
  agent.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
}

async function call(method: string, params: Json): Promise<Json> {
  calls += 1;
  const id = calls;
  return new Promise<Json>((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    send({ id, method, params });
  });
}

/**
 * Lets the agent do all that it asks for, once each time: the sandbox bounds it. What leaves no way to allow it is told
 * as denied. Some agents tell of a call only by asking, so that is told too.
 */
function permit(params: Json): Json {
  print({ type: 'asked', call: params['toolCall'] });
  const options = Array.isArray(params['options']) ? params['options'].map(objectIn) : [];
  const allowed = ['allow_once', 'allow_always']
    .map((kind) => options.find((option) => option['kind'] === kind))
    .find((option) => option !== undefined);
  if (allowed !== undefined)
    return { outcome: { outcome: 'selected', optionId: allowed['optionId'] } };
  print({ type: 'denied', call: objectIn(params['toolCall'])['title'] });
  return { outcome: { outcome: 'cancelled' } };
}

let isReplaying = false;

function hear(message: Json): void {
  const { id, method } = message;
  const params = objectIn(message['params']);
  if (method === undefined) {
    const call = typeof id === 'number' ? waiting.get(id) : undefined;
    waiting.delete(Number(id));
    if (message['error'] === undefined) call?.resolve(objectIn(message['result']));
    else call?.reject(new Error(tell(objectIn(message['error']))));
  } else if (method === 'session/update') {
    if (!isReplaying) print({ type: 'update', update: params['update'] });
  } else if (method === 'session/request_permission') {
    send({ id, result: permit(params) });
  } else if (id !== undefined) {
    send({
      id,
      error: { code: -32_601, message: `There is no method ${isText(method) ? method : ''} here.` },
    });
  }
}

function tell(error: Json): string {
  const details = objectIn(error['data'])['details'];
  return [error['message'], details].filter(isText).join(': ');
}

/**
 * A new session, or the one that was told of before. One that is lost is no new one: its prompt may be a mere answer, so
 * the caller has to know.
 */
async function openSession(): Promise<string> {
  const about = await call('initialize', {
    protocolVersion: 1,
    // It reads and writes files and runs commands by itself: the tree is its own.
    clientCapabilities: { fs: { readTextFile: false, writeTextFile: false }, terminal: false },
  });
  const where = { cwd: process.cwd(), mcpServers: [] };
  if (sessionBefore === '') {
    const { sessionId } = await call('session/new', where);
    if (!isText(sessionId)) throw new Error('The agent answered without a session id.');
    return sessionId;
  }
  if (objectIn(about['agentCapabilities'])['loadSession'] !== true)
    throw new Error('The agent cannot go on with an earlier session.');
  isReplaying = true;
  await call('session/load', { sessionId: sessionBefore, ...where });
  isReplaying = false;
  return sessionBefore;
}

async function playTurn(): Promise<string> {
  const prompt = await text(process.stdin);
  const sessionId = await openSession();
  print({ type: 'session', sessionId });
  const said = await call('session/prompt', {
    sessionId,
    prompt: [{ type: 'text', text: prompt }],
  });
  return String(said['stopReason']);
}

createInterface({ input: agent.stdout }).on('line', (line) => {
  try {
    hear(objectIn(JSON.parse(line)));
  } catch {
    // Some agents print what is no message; it is theirs to be wrong.
  }
});
const ended = new Promise<never>((_resolve, reject) => {
  agent.once('error', reject);
  agent.once('close', (code, signal) =>
    reject(
      new Error(`The agent ended before its turn was over (${signal ?? `exit code ${code}`}).`),
    ),
  );
});

try {
  print({ type: 'end', stopReason: await Promise.race([playTurn(), ended]) });
  process.exitCode = 0;
} catch (error) {
  print({ type: 'end', error: error instanceof Error ? error.message : String(error) });
  process.exitCode = 1;
}
agent.kill('SIGTERM');
// It has a second to leave in good order; what it leaves behind ends with the sandbox.
setTimeout(() => agent.kill('SIGKILL'), 1_000).unref();
