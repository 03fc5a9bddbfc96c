// A scripted model is a language model like any other, and refuses whatever its script does not expect.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { LanguageModelV4FunctionTool, LanguageModelV4Message } from '@ai-sdk/provider';
import { codeOf } from '../../contracts/errors.ts';
import { collectStream } from './collect-stream.ts';
import { createModels } from './create-models.ts';

/** Not asked: scripts say their own prices. */
const unasked = () => Promise.reject(new Error('no price was to be asked for'));
const prices = { costOf: unasked, estimateOf: unasked, priceOf: unasked };

const models = createModels({ scriptedModels: true, accounts: [], clock: Date, prices });
const root = join(import.meta.dirname, '..', '..');

describe('a scripted model', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ado-scripts-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function aScript(text: string, name = 'script.yaml'): Promise<string> {
    const file = join(folder, name);
    await writeFile(file, text);
    return `scripted:${file}`;
  }

  test('gives answer n for turn n, whoever asks', async () => {
    const name = await aScript('answers: [{ text: one }, { text: two }]');
    const first = await ask(name, [user('go')]);

    const second = await ask(name, [user('go'), first.message, user('more')]);
    const again = await ask(name, [user('go')]);

    expect(first.message.content).toEqual([{ type: 'text', text: 'one' }]);
    expect(second.message.content).toEqual([{ type: 'text', text: 'two' }]);
    expect(again).toEqual(first);
  });

  test('streams the same answer that it generates', async () => {
    const name = await aScript(
      'answers: [{ reasoning: hm, text: "a text of more than one piece, sent in several", toolCalls: [{ tool: look, input: { at: [1] } }] }]',
    );
    const [{ model }] = await models.routesOf(name);
    const pieces: string[] = [];

    const { content, finishReason, usage } = await model.doGenerate({ prompt: [user('go')] });
    const { stream } = await model.doStream({ prompt: [user('go')] });
    const streamed = await collectStream(stream, (text) => pieces.push(text));

    expect(model.specificationVersion).toBe('v4');
    expect(streamed.message.content).toEqual(
      content.map((part) =>
        part.type === 'tool-call' ? { ...part, input: JSON.parse(part.input) as unknown } : part,
      ),
    );
    expect(pieces.length).toBeGreaterThan(1);
    expect(streamed.finishReason).toBe('tool-calls');
    expect(finishReason.unified).toBe('tool-calls');
    expect(streamed.usage.outputTokens).toBe(usage.outputTokens.total);
  });

  test.each([
    [
      'a request without an answer left',
      'answers: [{ text: one }]',
      [user('go'), assistant('one'), user('more')],
      /turn 2: there is no answer left/,
    ],
    [
      'a text that did not come',
      'answers: [{ text: one, expect: { contains: please } }]',
      [user('go now')],
      /turn 1: expected "please".*"go now"/,
    ],
    [
      'a tool result that did not come',
      'answers: [{ text: one, expect: { toolResult: look } }]',
      [user('go')],
      /expected a result of the tool look/,
    ],
    [
      'a tool result that says something else',
      'answers: [{ text: one, expect: { toolResult: look, contains: x } }]',
      [user('x'), toolResult('look', 'y')],
      /expected "x".*"y"/,
    ],
  ])('refuses %s', async (_, script, messages, message) => {
    const name = await aScript(script);

    const answer = ask(name, messages);

    await expect(answer).rejects.toThrow(message);
    await expect(answer).rejects.toMatchObject({ code: 'SCRIPT_MISMATCH' });
  });

  test('complains about answers that were never asked for', async () => {
    const name = await aScript('answers: [{ text: one }, { text: two }, { text: three }]');

    await expect(models.conversationEnded(name, [user('go'), assistant('one')])).rejects.toThrow(
      /ended after turn 1, 2 answers are left over/,
    );
    await models.conversationEnded(name, [assistant('one'), assistant('two'), assistant('three')]);
  });

  test.each([
    ['what is no YAML', 'answers:\n  - text: "one', ':2: '],
    [
      'an unknown key',
      'answers:\n  - text: one\n    tools: []',
      ':2: answers.0: Unrecognized key: "tools"',
    ],
    [
      'a wrong value',
      'answers:\n  - text: one\n  - text: two\n    delayMs: soon',
      ':4: answers.1.delayMs: ',
    ],
    ['an empty answer', 'answers:\n  - delayMs: 5', ':2: answers.0: an answer needs'],
    ['nothing', '', ':1: '],
  ])('names file and line of a script with %s', async (_, script, place) => {
    const name = await aScript(script);

    const error = await models.routesOf(name).catch((reason: unknown) => reason);

    expect(codeOf(error)).toBe('SCRIPT_INVALID');
    expect((error as Error).message).toContain(`script.yaml${place}`);
  });

  test('is found only by an absolute path that can be read, and only where the policy allows it', async () => {
    const name = await aScript('answers: [{ text: one }]');
    const codes = await Promise.all(
      [
        models.routesOf('scripted:script.yaml'),
        models.routesOf('openai:gpt'),
        createModels({
          scriptedModels: false,
          accounts: [],
          clock: Date,
          prices,
        }).routesOf(name),
        models.routesOf('scripted:/does/not/exist.yaml'),
      ].map((model) => model.then(() => undefined, codeOf)),
    );

    expect(codes).toEqual([
      'MODEL_NOT_FOUND',
      'MODEL_NOT_FOUND',
      'MODEL_NOT_FOUND',
      'SCRIPT_INVALID',
    ]);
  });

  test('stops thinking and streaming when it is aborted', async () => {
    const name = await aScript(
      'answers: [{ text: one, delayMs: 60000 }, { text: a text of some length that takes several pieces }]',
    );
    const [{ model }] = await models.routesOf(name);
    const stop = new AbortController();
    const thinking = model.doStream({ prompt: [user('go')], abortSignal: stop.signal });
    const { stream } = await model.doStream({
      prompt: [user('go'), assistant('one')],
      abortSignal: stop.signal,
    });

    stop.abort(new Error('cancelled by a person'));

    await expect(thinking).rejects.toThrow('cancelled by a person');
    await expect(collectStream(stream)).rejects.toThrow('cancelled by a person');
  });

  test('costs what its script says', async () => {
    const name = await aScript(
      'price: { inputMicroUsd: 3000000, outputMicroUsd: 15000000 }\nanswers: [{ text: one, usage: { inputTokens: 10, outputTokens: 2 } }]',
    );

    const answer = await ask(name, [user('go')]);

    const [route] = await models.routesOf(name);
    const cost = await models.costOf('tenant', route, { ...answer, at: new Date() });
    expect(cost.costMicroUsd).toBe(60);
    expect([models.isFree(name), route.isFree]).toEqual([false, false]);
  });

  test('the example of docs/model-scripts.md plays from the first to the last answer', async () => {
    const name = await aScript(await exampleOf('docs/model-scripts.md', 'yaml'));
    const messages: LanguageModelV4Message[] = [user('Say hello in the README')];

    for (const result of [
      toolResult('read_file', '# Demo\n'),
      toolResult('write_file', 'written'),
      undefined,
    ]) {
      messages.push((await ask(name, messages)).message);
      if (result !== undefined) messages.push(result);
    }

    await models.conversationEnded(name, messages);
    expect(messages.at(-1)?.content).toEqual([{ type: 'text', text: 'The README says hello.' }]);
  });

  test('a module decides on the conversation, and a changed module counts at once', async () => {
    // In a process of its own: Jest cannot load a module that is named at run time.
    const file = join(folder, 'say-it-back.mjs');
    await writeFile(file, await exampleOf('docs/model-scripts.md', 'js'));
    const program = join(folder, 'ask.mjs');
    await writeFile(program, askingProgram(file));

    const { stdout } = await promisify(execFile)(process.execPath, [program]);

    expect(JSON.parse(stdout)).toEqual([
      {
        input: '{"note":"hello","after":1}',
        toolName: 'look',
        toolCallId: 'call-1-1',
        type: 'tool-call',
      },
      { type: 'text', text: 'Done.' },
      { type: 'text', text: 'changed' },
      'SCRIPT_MISMATCH',
    ]);
  });
});

async function ask(name: string, prompt: LanguageModelV4Message[]) {
  const [{ model }] = await models.routesOf(name);
  const tools: LanguageModelV4FunctionTool[] = [];
  const { stream } = await model.doStream({ prompt, tools });
  return collectStream(stream);
}

function user(text: string): LanguageModelV4Message {
  return { role: 'user', content: [{ type: 'text', text }] };
}

function assistant(text: string): LanguageModelV4Message {
  return { role: 'assistant', content: [{ type: 'text', text }] };
}

function toolResult(toolName: string, value: string): LanguageModelV4Message {
  return {
    role: 'tool',
    content: [
      { type: 'tool-result', toolCallId: 'call-1-1', toolName, output: { type: 'text', value } },
    ],
  };
}

/** The first code block of a language in a document. */
async function exampleOf(document: string, language: string): Promise<string> {
  const text = await readFile(join(root, document), 'utf8');
  const block = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'ms').exec(text)?.[1];
  if (block === undefined) throw new Error(`${document} has no example in ${language}`);
  return block;
}

/** A program that asks a module for two turns, changes it, and asks for a third and a fourth. */
function askingProgram(script: string): string {
  return `
    import { writeFile } from 'node:fs/promises';
    import { createModels } from ${JSON.stringify(join(root, 'adapters/models/create-models.ts'))};
    const models = createModels({ scriptedModels: true, accounts: [], clock: Date, prices: undefined });
    const name = ${JSON.stringify(`scripted:${script}`)};
    const prompt = [{ role: 'user', content: [{ type: 'text', text: 'hello' }] }];
    const ask = async () => (await (await models.routesOf(name))[0].model.doGenerate({ prompt, tools: [{ type: 'function', name: 'look' }] })).content[0];
    const answers = [await ask()];
    prompt.push({ role: 'assistant', content: [] });
    answers.push(await ask());
    await writeFile(${JSON.stringify(script)}, "export default ({ turn }) => turn === 2 ? { text: 'changed' } : { txt: 'wrong' };");
    answers.push(await ask());
    prompt.push({ role: 'assistant', content: [] });
    answers.push(await ask().catch((error) => error.code));
    process.stdout.write(JSON.stringify(answers));
  `;
}
