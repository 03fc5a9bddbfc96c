/** What a program agent is told at a turn's beginning, and what it said at the end of one, as messages of the transcript. */
import type { AssistantMessage } from '../adapters/models/collect-stream.ts';
import type { KeyedMessage, TaskRecord } from '../adapters/ports.ts';
import type { KnownConversation } from './agent-conversation.ts';

/** The beginning of a transcript. */
export function promptMessage({ prompt }: TaskRecord): KeyedMessage {
  return { key: 'prompt', message: { role: 'user', content: [{ type: 'text', text: prompt }] } };
}

/** An agent's last words. */
export function answerText(text: string): AssistantMessage {
  return { role: 'assistant', content: [{ type: 'text', text }] };
}

/** The last words of a turn on record. */
export function answerOf(
  transcript: readonly KeyedMessage[],
  step: number,
): AssistantMessage | undefined {
  const found = transcript.find(({ key }) => key === `step-${String(step)}`)?.message;
  return found?.role === 'assistant' ? found : undefined;
}

/**
 * The prompt of a turn. In a conversation that goes on it is the feedback, or the word to go on where the turn itself was
 * broken off; in a new one the whole task, with the feedback if there is any.
 */
export function agentPrompt(
  { prompt }: TaskRecord,
  { transcript }: { readonly transcript: readonly KeyedMessage[] },
  conversation: KnownConversation | undefined,
): string {
  const feedback = lastFeedback(transcript);
  if (conversation === undefined) {
    if (feedback === undefined) return prompt;
    return `${prompt}\n\nWork on this has begun; the work tree has it. What is missing:\n${feedback}`;
  }
  if (conversation.isOfStep)
    return 'You were interrupted. See what of your work is in the work tree, and go on with the task until it is done.';
  return feedback ?? prompt;
}

/** All that was said to the agent since its last words; undefined when that is the prompt alone. */
function lastFeedback(transcript: readonly KeyedMessage[]): string | undefined {
  const answered = transcript.findLastIndex(({ message }) => message.role === 'assistant');
  const texts = transcript
    .slice(answered + 1)
    .flatMap(({ key, message }) =>
      message.role === 'user' && key !== 'prompt' ? message.content : [],
    )
    .map((part) => (part.type === 'text' ? part.text : ''));
  return texts.length === 0 ? undefined : texts.join('\n\n');
}
