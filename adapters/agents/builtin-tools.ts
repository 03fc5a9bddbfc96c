/** The tools of the builtin agent. All of them act inside the sandbox, through the one `run` that they are given. */
import { z } from 'zod';
import type { AgentTools, SandboxResult } from '../ports.ts';
import {
  editFile,
  listFiles,
  maxAnswerBytes,
  maxLines,
  readFile,
  search,
  writeFile,
} from './tool-scripts.ts';

/** Linux takes 128 KiB in one argument; a longer text is no edit. */
const maxArgumentBytes = 100_000;
const defaultReadLines = 500;
const fileTimeoutMs = 60_000;
const defaultCommandSeconds = 300;
const maxCommandSeconds = 3_600;

type World = Parameters<AgentTools['execute']>[1];
type Answer = Awaited<ReturnType<AgentTools['execute']>>;
type Definition = AgentTools['definitions'][number];

interface Tool {
  readonly name: string;
  readonly description: string;
  readonly input: z.ZodType;
  /** Refuses an input that does not fit. */
  readonly execute: (input: unknown, world: World) => Promise<Answer>;
}

function tool<Schema extends z.ZodType>(definition: {
  readonly name: string;
  readonly description: string;
  readonly input: Schema;
  readonly execute: (input: z.infer<Schema>, world: World) => Promise<Answer>;
}): Tool {
  const { input, execute } = definition;
  return {
    ...definition,
    execute: async (raw, world) => {
      const parsed = input.safeParse(raw);
      return parsed.success
        ? await execute(parsed.data, world)
        : failed(`The input of ${definition.name} is wrong:\n${z.prettifyError(parsed.error)}`);
    },
  };
}

const path = z
  .string()
  .min(1)
  .max(4_000)
  .refine((text) => !text.includes('\0'), 'holds a NUL character')
  .describe('Relative to the top of the work tree.');
const argument = z
  .string()
  .refine((text) => Buffer.byteLength(text) <= maxArgumentBytes, 'is too long; use write_file')
  .refine((text) => !text.includes('\0'), 'holds a NUL character');

const tools: readonly Tool[] = [
  tool({
    name: 'list_files',
    description: 'Lists the files below a folder, without ignored ones and .git, one path a line.',
    input: z.strictObject({ path: path.default('.') }),
    async execute(input, world) {
      const ran = await script(world, listFiles, [plainPath(input.path)]);
      if (ran.exitCode !== 0) return failed(ran.stderr);
      return listing(ran.stdout, 'no files', 'Name a folder to see its files.');
    },
  }),
  tool({
    name: 'read_file',
    description: 'Reads lines of a text file, each with its number and a tab before it.',
    input: z.strictObject({
      path,
      offset: z.int().min(1).default(1).describe('First line, from 1.'),
      limit: z.int().min(1).max(5_000).default(defaultReadLines).describe('Number of lines.'),
    }),
    async execute({ path: file, offset, limit }, world) {
      const bounds = [String(offset), String(offset + limit - 1)];
      const ran = await script(world, readFile, [plainPath(file), ...bounds]);
      if (ran.exitCode !== 0) return failed(ran.stderr);
      const total = Number(ran.stderr.trim().split('\n').at(-1));
      if (total === 0) return answered('(the file is empty)');
      if (offset > total) return failed(`The file has ${total} lines.`);
      const lines = ran.stdout.split('\n').slice(0, -1);
      const next = offset + lines.length;
      const rest = next > total ? [] : [`… ${total} lines in all; go on with offset ${next}.`];
      return answered([...lines, ...rest].join('\n'));
    },
  }),
  tool({
    name: 'search',
    description:
      'Finds lines that match an extended regular expression, without ignored files; answers file:line:text.',
    input: z.strictObject({
      pattern: argument.min(1),
      path: path.default('.'),
      ignoreCase: z.boolean().default(false),
    }),
    async execute({ pattern, path: place, ignoreCase }, world) {
      const ran = await script(world, search, [pattern, plainPath(place), ignoreCase ? '-i' : '']);
      if (ran.exitCode !== 0) return failed(ran.stderr);
      return listing(ran.stdout, 'no match', 'Search a folder, or for something rarer.');
    },
  }),
  tool({
    name: 'edit_file',
    description:
      'Replaces one text of a file by another. The old text must be there exactly, blank space included, and only once unless replaceAll is set.',
    input: z.strictObject({
      path,
      old: argument.min(1).describe('Text as it is in the file, without line numbers.'),
      new: argument,
      replaceAll: z.boolean().default(false),
    }),
    async execute(input, world) {
      const { path: file, old, replaceAll } = input;
      if (old === input.new) return failed('`old` and `new` are the same.');
      const mode = replaceAll ? 'all' : 'one';
      const ran = await script(world, editFile, [plainPath(file), old, input.new, mode]);
      if (ran.exitCode !== 0) return failed(ran.stderr);
      const count = Number(ran.stdout.trim());
      if (count === 0) {
        return failed(
          `\`old\` is not in ${file}. Read the file: every character must be the same.`,
        );
      }
      if (count > 1 && !replaceAll) {
        return failed(
          `\`old\` is ${count} times in ${file}. Add lines around it until it is unique, or set replaceAll.`,
        );
      }
      return answered(`Replaced ${count === 1 ? 'once' : `${count} times`} in ${file}.`);
    },
  }),
  tool({
    name: 'write_file',
    description:
      'Writes a whole file, new or in place of what is there; folders on its path are made.',
    input: z.strictObject({ path, content: z.string().max(4_000_000) }),
    async execute({ path: file, content }, world) {
      const argv = ['sh', '-c', writeFile, 'ado', plainPath(file)];
      const ran = await world.run({ argv, input: content, timeoutMs: fileTimeoutMs });
      if (ran.exitCode !== 0) return failed(ran.stderr);
      const word = ran.stdout.trim() === 'replaced' ? 'Replaced' : 'Made';
      return answered(`${word} ${file} (${Buffer.byteLength(content)} bytes).`);
    },
  }),
  tool({
    name: 'run_command',
    description:
      'Runs a shell command at the top of the work tree; there is no network, and nothing it starts runs on after it. Answers its exit code and output.',
    input: z.strictObject({
      command: argument.min(1),
      timeoutSeconds: z.int().min(1).max(maxCommandSeconds).default(defaultCommandSeconds),
    }),
    async execute({ command, timeoutSeconds }, world) {
      const ran = await world.run({
        argv: ['sh', '-c', command],
        timeoutMs: timeoutSeconds * 1_000,
        // Asks for the output to be shown to people while it comes.
        onOutput: () => undefined,
      });
      return commandAnswer(ran, timeoutSeconds);
    },
  }),
];

/** Makes the tools: `list_files`, `read_file`, `search`, `edit_file`, `write_file`, `run_command`. */
export function createAgentTools(): AgentTools {
  const byName = new Map(tools.map((entry) => [entry.name, entry]));
  return {
    definitions: tools.map(definitionOf),
    async execute({ toolName, input }, world) {
      const found = byName.get(toolName);
      if (found === undefined) {
        return failed(`There is no tool "${toolName}". Tools: ${[...byName.keys()].join(', ')}.`);
      }
      return await found.execute(input, world);
    },
  };
}

function definitionOf({ name, description, input }: Tool): Definition {
  const inputSchema = z.toJSONSchema(input, { target: 'draft-7', io: 'input' });
  return {
    type: 'function',
    name,
    description,
    inputSchema: inputSchema as Definition['inputSchema'],
  };
}

/** A path that no program takes for an option, nor awk for an assignment. */
function plainPath(name: string): string {
  return name.startsWith('/') || name === '.' ? name : `./${name}`;
}

function script(world: World, text: string, args: readonly string[]): Promise<SandboxResult> {
  return world.run({ argv: ['sh', '-c', text, 'ado', ...args], timeoutMs: fileTimeoutMs });
}

function answered(text: string): Answer {
  return { text, isError: false };
}

function failed(text: string): Answer {
  const said = text.trim() === '' ? 'It failed without a word, or took too long.' : text.trim();
  return { text: lastBytes(said), isError: true };
}

/** The lines of a listing, and how to go on when there are more. */
function listing(output: string, none: string, advice: string): Answer {
  const lines = output.split('\n').filter((line) => line !== '');
  if (lines.length === 0) return answered(none);
  const shown = takeLines(lines.slice(0, maxLines));
  const rest = shown.length < lines.length ? [`… and more. ${advice}`] : [];
  return answered([...shown, ...rest].join('\n'));
}

/** As many lines as one answer holds. */
function takeLines(lines: readonly string[]): string[] {
  let bytes = 0;
  const end = lines.findIndex((line) => (bytes += Buffer.byteLength(line) + 1) > maxAnswerBytes);
  return end < 0 ? [...lines] : lines.slice(0, end);
}

function commandAnswer(ran: SandboxResult, timeoutSeconds: number): Answer {
  const parts = [endOf(ran, timeoutSeconds)];
  if (ran.stdout !== '') parts.push(`Standard output:\n${lastBytes(ran.stdout)}`);
  if (ran.stderr !== '') parts.push(`Standard error:\n${lastBytes(ran.stderr)}`);
  return { text: parts.join('\n'), isError: ran.exitCode !== 0 };
}

function endOf(ran: SandboxResult, timeoutSeconds: number): string {
  if (ran.timedOut) return `Stopped after ${timeoutSeconds} s.`;
  return ran.exitCode === undefined ? 'Killed.' : `Exit code ${ran.exitCode}.`;
}

/** The end of a text, at most half an answer: of what a program says, the end tells most. */
function lastBytes(text: string): string {
  const bytes = Buffer.from(text);
  const maxBytes = maxAnswerBytes / 2;
  if (bytes.length <= maxBytes) return text;
  const end = bytes
    .subarray(-maxBytes)
    .toString()
    .replace(/^\uFFFD+/, '');
  return `[only the end; send it to a file and read that to see more]\n${end}`;
}
