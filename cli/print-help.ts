/** docs/cli.md, printed from the definitions of the commands and from the schemas of their files. */
import { z } from 'zod';
import { projectConfigSchema, userConfigSchema } from '../config/cli-config.ts';
import { listExamples } from './definitions/define.ts';
import type { Command, Option } from './definitions/define.ts';
import { exitCodeMeanings, exitCodes } from './exit-codes.ts';
import { createProgram } from './program.ts';

/** The variables that the command line itself reads. */
const variables: readonly (readonly [string, string])[] = [
  ['ADO_CONTEXT', 'Context to use; `--context` wins.'],
  ['ADO_URL', 'Address of a server, in place of any context.'],
  ['ADO_API_KEY', 'API key to use.'],
  ['ADO_HOME', 'Data folder of the local platform. Default: `$XDG_DATA_HOME/ado`.'],
  ['XDG_CONFIG_HOME', "Base of the user's configuration folder. Default: `~/.config`."],
  ['NO_COLOR', 'Switches colours off.'],
];

/** Prints the whole document. */
export function printCliDocument(): string {
  const program = createProgram(async () => Promise.resolve());
  return [
    '# Command line',
    '',
    'Printed from code by `npm run docs`; change the code, not this file.',
    '',
    'Data goes to stdout, everything else to stderr. Ids may be shortened to their last 6 or more characters.',
    '',
    '## Flags of every command',
    '',
    ...optionTable(program),
    '',
    '## Commands',
    '',
    ...listCommands(program).flatMap(printCommand),
    ...printExitCodes(),
    ...printFiles(),
    '## Environment',
    '',
    '| variable | meaning |',
    '|---|---|',
    ...variables.map(([name, meaning]) => `| \`${name}\` | ${meaning} |`),
    '',
  ].join('\n');
}

interface Listed {
  readonly path: string;
  readonly command: Command;
}

/** The visible commands, each before its own verbs. */
function listCommands(parent: Command, path = 'ado'): Listed[] {
  return parent
    .createHelp()
    .visibleCommands(parent)
    .filter((command) => command.name() !== 'help')
    .flatMap((visible) => {
      const command = visible as unknown as Command;
      const own = `${path} ${command.name()}`;
      return [{ path: own, command }, ...listCommands(command, own)];
    });
}

function printCommand({ path, command }: Listed): string[] {
  const words = command.registeredArguments.map((argument) => {
    const name = argument.variadic ? `${argument.name()}...` : argument.name();
    return argument.required ? ` <${name}>` : ` [${name}]`;
  });
  const meanings = command.registeredArguments.map(
    (argument) => `| \`${argument.name()}\` | ${escapeCell(argument.description)} |`,
  );
  const options = optionTable(command);
  const examples = listExamples(command);
  return [
    `### \`${path}${words.join('')}\``,
    '',
    command.description(),
    '',
    ...(meanings.length === 0 ? [] : ['| argument | meaning |', '|---|---|', ...meanings, '']),
    ...(options.length === 0 ? [] : [...options, '']),
    ...(examples.length === 0 ? [] : ['```sh', ...examples, '```', '']),
  ];
}

function optionTable(command: Command): string[] {
  const rows = command
    .createHelp()
    .visibleOptions(command)
    .filter((option) => option.long !== '--help')
    .map((option) => `| \`${option.flags}\` | ${escapeCell(describe(option))} |`);
  return rows.length === 0 ? [] : ['| flag | meaning |', '|---|---|', ...rows];
}

function describe(
  option: Pick<Option, 'description'> & { readonly defaultValue?: unknown },
): string {
  const { description, defaultValue } = option;
  const isSaid = defaultValue === undefined || typeof defaultValue === 'boolean';
  return isSaid
    ? description
    : `${description} (default: ${JSON.stringify(defaultValue).replaceAll('"', '')})`;
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}

function printExitCodes(): string[] {
  const rows = Object.entries(exitCodes).map(
    ([name, code]) => `| ${code} | ${exitCodeMeanings[name as keyof typeof exitCodes]} |`,
  );
  return ['## Exit codes', '', '| code | meaning |', '|---|---|', ...rows, ''];
}

function printFiles(): string[] {
  return [
    '## Configuration files',
    '',
    "A flag wins over the environment, that over the user's file, that over the project's. `${VAR}` and `${VAR:-default}` are",
    'filled in from the environment; `$${` is a literal `${`.',
    '',
    '### `ado.config.yaml` of a project',
    '',
    ...keyTable(projectConfigSchema),
    '',
    '### `~/.config/ado/config.yaml` of the user',
    '',
    ...keyTable(userConfigSchema),
    '',
  ];
}

function keyTable(schema: z.ZodObject): string[] {
  return ['| key | meaning |', '|---|---|', ...listKeys(schema, '')];
}

function listKeys(schema: z.ZodObject, prefix: string): string[] {
  return Object.entries(schema.shape).flatMap(([key, field]) => {
    const layers = layersOf(field as z.ZodType);
    const meaning = layers.map((layer) => layer.description).find((text) => text !== undefined);
    const own = `| \`${prefix}${key}\` | ${escapeCell(meaning ?? '')} |`;
    const inside = layers.at(-1);
    const isByName = layers.some((layer) => layer instanceof z.ZodRecord);
    const below = `${prefix}${key}${isByName ? '.<name>' : ''}.`;
    return inside instanceof z.ZodObject ? [own, ...listKeys(inside, below)] : [own];
  });
}

/** A schema and what it wraps: an optional one, the values of a mapping. */
function layersOf(schema: z.ZodType): z.ZodType[] {
  if (schema instanceof z.ZodOptional) return [schema, ...layersOf(schema.unwrap() as z.ZodType)];
  if (schema instanceof z.ZodRecord) return [schema, ...layersOf(schema.valueType as z.ZodType)];
  return [schema];
}
