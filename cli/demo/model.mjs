/**
 * The scripted model of `ado demo`: a function of the conversation, in place of a real model. It adds a licence line to a
 * file that it reads first, and shows two ways that work goes wrong: in repository `cookie` its first try is no comment
 * of the language (the check tells, it repairs), in `vary` it never believes the check and is stopped as stuck.
 */

const delayMs = 400;

/** Answers the next turn. */
export default function answer({ turn, prompt, messages }) {
  const task = readTask(prompt);
  const wrong = `# SPDX-License-Identifier: ${task.licence}`;
  const right = `// SPDX-License-Identifier: ${task.licence}`;
  const clumsy = task.name === 'cookie' || task.name === 'vary';
  if (turn === 1) {
    return {
      delayMs,
      text: `I look at ${task.file} first.`,
      toolCalls: [call('read_file', { path: task.file, limit: 5 })],
    };
  }
  if (turn === 2) {
    const top = topOf(toolText(messages.at(-1)));
    const line = clumsy ? wrong : right;
    return {
      delayMs,
      toolCalls: [call('edit_file', { path: task.file, old: top, new: `${line}\n${top}` })],
    };
  }
  if (turn === 3) return { delayMs, text: `The licence line stands at the top of ${task.file}.` };
  if (task.name === 'vary') return { delayMs, text: 'The line looks right to me.' };
  if (turn === 4) {
    return {
      delayMs,
      text: 'That was no comment.',
      toolCalls: [call('edit_file', { path: task.file, old: wrong, new: right })],
    };
  }
  return { delayMs, text: 'The line is a comment now.' };
}

function call(tool, input) {
  return { tool, input };
}

/** The facts that the prompt names. */
function readTask(prompt) {
  const [, name] = /repository "([^"]+)"/.exec(prompt) ?? [];
  const [, file] = /file "([^"]+)"/.exec(prompt) ?? [];
  const [, licence] = /licence "([^"]+)"/.exec(prompt) ?? [];
  return { name, file, licence };
}

function toolText(message) {
  return message.content[0].output.value;
}

/** The first lines of a file as `read_file` shows them, without their numbers: enough of them to stand there once. */
function topOf(text) {
  const numbered = text.split('\n').filter((line) => /^\s*\d+\t/.test(line));
  return numbered.map((line) => line.replace(/^\s*\d+\t/, '')).join('\n');
}
