// What the vendors' programs print, as they printed it against `ado emulator` (ids and usage shortened), and what is read in it.
//   - session, texts, tool calls and their results become events, however the output is cut into pieces
//   - a turn is done when the program says so and ends well; else the turn failed, with the reason that it gave
//   - what is unknown is counted, and what is no JSON is passed over
import type { AgentEvent, AgentReader, AgentTurnEnd } from '../ports.ts';
import { createCodingAgents } from './create-coding-agents.ts';

const agents = createCodingAgents({ agentsDir: '/nowhere', toolPath: '' });

const claudeOutput = `{"type":"system","subtype":"init","cwd":"/w","session_id":"8a5c30ec","tools":["Bash"],"model":"claude-sonnet-4-5","permissionMode":"bypassPermissions"}
{"type":"assistant","message":{"id":"msg_01","type":"message","role":"assistant","content":[{"type":"text","text":"I write the file."}],"stop_reason":null},"parent_tool_use_id":null,"session_id":"8a5c30ec"}
{"type":"assistant","message":{"id":"msg_01","type":"message","role":"assistant","content":[{"type":"tool_use","id":"toolu_1","name":"Write","input":{"file_path":"hello.txt","content":"hello\\n"}}]},"session_id":"8a5c30ec"}
{"type":"user","message":{"role":"user","content":[{"tool_use_id":"toolu_1","type":"tool_result","content":"File created successfully at: hello.txt"}]},"session_id":"8a5c30ec"}
{"type":"assistant","message":{"id":"msg_02","content":[{"type":"tool_use","id":"toolu_2","name":"Bash","input":{"command":"cat hello.txt; exit 3","description":"look"}}]},"session_id":"8a5c30ec"}
{"type":"user","message":{"role":"user","content":[{"type":"tool_result","content":"Exit code 3\\nhello","is_error":true,"tool_use_id":"toolu_2"}]},"session_id":"8a5c30ec"}
{"type":"assistant","message":{"id":"msg_03","content":[{"type":"text","text":"Wrote hello.txt."}]},"session_id":"8a5c30ec"}
{"type":"result","subtype":"success","is_error":false,"duration_api_ms":758,"result":"Wrote hello.txt.","stop_reason":"end_turn","session_id":"8a5c30ec","permission_denials":[]}
`;
const codexOutput = `{"type":"thread.started","thread_id":"01a20064"}
{"type":"item.completed","item":{"id":"item_0","type":"error","message":"Model metadata for \`m-1\` not found. Defaulting to fallback metadata."}}
{"type":"turn.started"}
{"type":"item.completed","item":{"id":"item_1","type":"agent_message","text":"I write the file."}}
{"type":"item.started","item":{"id":"item_2","type":"command_execution","command":"/bin/bash -lc 'echo hello; exit 3'","aggregated_output":"","exit_code":null,"status":"in_progress"}}
{"type":"item.completed","item":{"id":"item_2","type":"command_execution","command":"/bin/bash -lc 'echo hello; exit 3'","aggregated_output":"hello\\n","exit_code":3,"status":"failed"}}
{"type":"item.completed","item":{"id":"item_3","type":"agent_message","text":"Wrote hello.txt."}}
{"type":"turn.completed","usage":{"input_tokens":19163,"cached_input_tokens":0,"output_tokens":22}}
`;
const geminiOutput = `{"type":"init","timestamp":"2026-11-21T23:15:20.806Z","session_id":"038d1b3d","model":"m-1"}
{"type":"message","role":"user","content":"Write hello.txt"}
{"type":"message","role":"assistant","content":"I write ","delta":true}
{"type":"message","role":"assistant","content":"the file.","delta":true}
{"type":"tool_use","tool_name":"write_file","tool_id":"write_file_0","parameters":{"file_path":"hello.txt","content":"hello\\n"}}
{"type":"tool_result","tool_id":"write_file_0","status":"success"}
{"type":"tool_use","tool_name":"run_shell_command","tool_id":"shell_0","parameters":{"command":"cat missing"}}
{"type":"tool_result","tool_id":"shell_0","status":"error","error":{"type":"unknown","message":"no such file"}}
{"type":"message","role":"assistant","content":"Wrote hello.txt.","delta":true}
{"type":"result","status":"success","stats":{"total_tokens":38723,"tool_calls":2}}
`;
const acpOutput = `{"type":"session","sessionId":"s-1"}
{"type":"update","update":{"sessionUpdate":"available_commands_update","availableCommands":[]}}
{"type":"update","update":{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"I write "}}}
{"type":"update","update":{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"the file."}}}
{"type":"update","update":{"sessionUpdate":"tool_call","toolCallId":"c-1","status":"in_progress","title":"Writing to hello.txt","kind":"edit","content":[]}}
{"type":"update","update":{"sessionUpdate":"tool_call_update","toolCallId":"c-1","status":"completed","content":[{"type":"diff","path":"hello.txt","oldText":"","newText":"hello\\n"}]}}
{"type":"update","update":{"sessionUpdate":"tool_call","toolCallId":"c-2","status":"failed","title":"cat missing","kind":"execute","content":[{"type":"content","content":{"type":"text","text":"no such file"}}]}}
{"type":"update","update":{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"Wrote hello.txt."}}}
{"type":"end","stopReason":"end_turn"}
`;

interface Read {
  readonly events: readonly AgentEvent[];
  readonly end: AgentTurnEnd;
}

/** Reads output in pieces of a size, as a pipe may cut it. */
function read(
  reader: AgentReader,
  output: string,
  how: {
    readonly pieceChars?: number;
    readonly exitCode?: number | undefined;
    readonly stderr?: string;
  },
): Read {
  const { pieceChars = output.length, stderr = '' } = how;
  const events: AgentEvent[] = [];
  for (let at = 0; at < output.length; at += pieceChars)
    events.push(...reader.read(output.slice(at, at + pieceChars)));
  const exitCode = 'exitCode' in how ? how.exitCode : 0;
  return { events, end: reader.end({ exitCode, stderr }) };
}

const recorded = [
  {
    kind: 'claude-code',
    output: claudeOutput,
    sessionId: '8a5c30ec',
    calls: ['Write hello.txt', 'Bash cat hello.txt; exit 3'],
    results: ['File created successfully at: hello.txt', 'Exit code 3\nhello'],
  },
  {
    kind: 'codex',
    output: codexOutput,
    sessionId: '01a20064',
    calls: ["shell /bin/bash -lc 'echo hello; exit 3'"],
    results: ['hello\n'],
  },
  {
    kind: 'gemini',
    output: geminiOutput,
    sessionId: '038d1b3d',
    calls: ['write_file hello.txt', 'run_shell_command cat missing'],
    results: ['', 'no such file'],
  },
  {
    kind: 'acp',
    output: acpOutput,
    sessionId: 's-1',
    calls: ['Writing to hello.txt', 'cat missing'],
    results: ['hello.txt', 'no such file'],
  },
] as const;

describe.each(recorded)('$kind', ({ kind, output, sessionId, calls, results }) => {
  const agent = agents[kind];

  test.each([1, 7, 10_000])('its turn is read whole in pieces of %d characters', (pieceChars) => {
    const { events, end } = read(agent.createReader(), output, { pieceChars });

    expect(events[0]).toEqual({ kind: 'session', sessionId });
    const toolCalls = events.filter((event) => event.kind === 'tool-call');
    const toolResults = events.filter((event) => event.kind === 'tool-result');
    expect(toolCalls.map(({ summary }) => summary)).toEqual(calls);
    expect(toolResults.map(({ text }) => text)).toEqual(results);
    expect(toolResults.map(({ callId }) => callId)).toEqual(toolCalls.map(({ callId }) => callId));
    expect(toolResults.at(-1)?.isError).toBe(true);
    expect(events.find((event) => event.kind === 'text')?.text).toBe('I write the file.');
    expect(events.filter((event) => event.kind === 'unknown')).toEqual([]);
    expect(end).toEqual({ outcome: 'done', text: 'Wrote hello.txt.', sessionId, deniedCalls: [] });
  });

  test('a program that ended without a word about its turn has died, whatever it said before', () => {
    const begun = output.split('\n').slice(0, -2).join('\n');

    const killed = read(agent.createReader(), begun, { exitCode: undefined });
    const silent = read(agent.createReader(), begun, { exitCode: 0, stderr: 'panic: oh no' });

    expect(killed.end).toMatchObject({ outcome: 'died', sessionId });
    expect(killed.end.text).toContain('ended before its turn was over');
    expect(silent.end.outcome).toBe('died');
  });

  test('what is unknown is counted, and what is no JSON passed over', () => {
    const strange = `warning: a new version\n{"type":"brand-new","x":1}\n{broken\n[1]\n${output}`;

    const { events, end } = read(agent.createReader(), strange, {});

    const unknown = events.filter((event) => event.kind === 'unknown');
    expect(unknown).toEqual([{ kind: 'unknown', type: 'brand-new' }]);
    expect(end.outcome).toBe('done');
  });

  test('a line of 100 MB is dropped, and what follows is read', () => {
    const reader = agent.createReader();
    const megabyte = 'x'.repeat(1_048_576);
    reader.read('{"type":"');
    for (let count = 0; count < 100; count += 1) reader.read(megabyte);

    const { end } = read(reader, `"}\n${output}`, {});

    expect(end.outcome).toBe('done');
  });
});

test.each([
  {
    kind: 'claude-code',
    output: `{"type":"system","subtype":"init","session_id":"7d9a5faf"}
{"type":"assistant","message":{"model":"<synthetic>","content":[{"type":"text","text":"API Error: 400 No such thing."}]},"session_id":"7d9a5faf"}
{"type":"result","subtype":"success","is_error":true,"stop_reason":"stop_sequence","result":"API Error: 400 No such thing.","session_id":"7d9a5faf","permission_denials":[]}
`,
    exitCode: 1,
    why: 'API Error: 400 No such thing.',
  },
  {
    kind: 'codex',
    output: `{"type":"thread.started","thread_id":"01a20065"}
{"type":"turn.started"}
{"type":"error","message":"{\\"error\\":{\\"message\\":\\"No such thing.\\",\\"type\\":\\"invalid_request_error\\"}}"}
{"type":"turn.failed","error":{"message":"{\\"error\\":{\\"message\\":\\"No such thing.\\",\\"type\\":\\"invalid_request_error\\"}}"}}
`,
    exitCode: 1,
    why: 'No such thing.',
  },
  {
    kind: 'gemini',
    output: `{"type":"init","session_id":"67da9f8f","model":"m-1"}
{"type":"result","status":"error","error":{"type":"unknown","message":"[API Error: {\\"error\\":{\\"code\\":400,\\"message\\":\\"No such thing.\\",\\"status\\":\\"INVALID_ARGUMENT\\"}}]"},"stats":{}}
`,
    exitCode: 144,
    why: 'No such thing.',
  },
  {
    kind: 'acp',
    output: `{"type":"end","error":"Authentication required"}\n`,
    exitCode: 1,
    why: 'Authentication required',
  },
] as const)('$kind tells why its provider refused', ({ kind, output, exitCode, why }) => {
  const { end } = read(agents[kind].createReader(), output, { exitCode, stderr: 'a warning' });

  expect(end).toMatchObject({ outcome: 'failed', text: why });
});

test('an error that only looks like JSON is told as it is', () => {
  const error = String.raw`{"message": "no \x such"}`;
  const output = `${JSON.stringify({ type: 'turn.failed', error: { message: error } })}\n`;

  const { end } = read(agents.codex.createReader(), output, { exitCode: 1 });

  expect(end).toMatchObject({ outcome: 'failed', text: error });
});

test.each([
  ['gemini', '{"type":"message","role":"assistant","content":"CHUNK","delta":true}\n'],
  [
    'acp',
    '{"type":"update","update":{"sessionUpdate":"agent_message_chunk","content":{"text":"CHUNK"}}}\n',
  ],
] as const)('%s that never ends its message is told in parts', (kind, line) => {
  const piece = line.replace('CHUNK', 'x'.repeat(1_000));

  const { events } = read(agents[kind].createReader(), piece.repeat(1_000), { pieceChars: 65_536 });

  const texts = events.filter((event) => event.kind === 'text');
  expect(texts.length).toBeGreaterThan(10);
  expect(Math.max(...texts.map(({ text }) => text.length))).toBeLessThan(70_000);
});

test('calls that were not allowed are named', () => {
  const claude = `{"type":"result","subtype":"success","is_error":false,"result":"I could not.","session_id":"s","permission_denials":[{"tool_name":"Bash","tool_use_id":"t","tool_input":{"command":"rm -rf /"}}]}\n`;
  const codex = `{"type":"item.completed","item":{"id":"i","type":"command_execution","command":"rm -rf /","aggregated_output":"","status":"declined"}}\n{"type":"turn.completed"}\n`;
  const acp = `{"type":"denied","call":"rm -rf /"}\n{"type":"end","stopReason":"end_turn"}\n`;

  const ends = [
    read(agents['claude-code'].createReader(), claude, {}).end,
    read(agents.codex.createReader(), codex, {}).end,
    read(agents.acp.createReader(), acp, {}).end,
  ];

  expect(ends.map(({ deniedCalls }) => deniedCalls)).toEqual([
    ['Bash rm -rf /'],
    ['shell rm -rf /'],
    ['rm -rf /'],
  ]);
});
