/** The conversations of a program agent, as messages of the transcript: how it calls each, and which of them its program died in. */
import type { KeyedMessage, TaskRecord } from '../adapters/ports.ts';
import { effectIdOf } from './effect-id.ts';

/** What is kept in a message's options under ado's name. */
const keeper = 'ado';

/** A turn, by the number of the activity attempt that takes it. */
interface TurnTry {
  readonly step: number;
  readonly fence: number;
}

/** Says how the agent calls the conversation of a turn. Some call each the same. */
export function sessionMessage(
  { ref, agent }: TaskRecord,
  { step, fence, sessionId }: TurnTry & { readonly sessionId: string },
): KeyedMessage {
  const hash = effectIdOf(ref, step, 'session', sessionId).slice(0, 12);
  return {
    key: `step-${String(step)}-session-${String(fence)}.${hash}`,
    message: {
      role: 'system',
      content: `${agent} calls this conversation ${sessionId}.`,
      providerOptions: { [keeper]: { sessionId } },
    },
  };
}

/** Says that the program died, and its conversation with it. */
export function deathMessage(
  { agent }: TaskRecord,
  { step, fence, why }: TurnTry & { readonly why: string },
): KeyedMessage {
  return {
    key: `step-${String(step)}-died-${String(fence)}`,
    message: {
      role: 'system',
      content: `The program of ${agent} died, so its turn begins anew from the last commit. ${why}`,
    },
  };
}

const sessionKey = /^step-\d+-session-/;
const deathKey = /^step-\d+-died-/;

/** How often the program has died in the task so far. */
export function countDeaths(transcript: readonly KeyedMessage[]): number {
  return transcript.filter(({ key }) => deathKey.test(key)).length;
}

/** Whether the program died, and nothing was heard of a conversation since. */
export function isDead(transcript: readonly KeyedMessage[]): boolean {
  const last = transcript.findLast(({ key }) => sessionKey.test(key) || deathKey.test(key));
  return last !== undefined && deathKey.test(last.key);
}

/** An agent's name of a conversation, and whether the turn of a step has begun in it. */
export interface KnownConversation {
  readonly sessionId: string;
  readonly isOfStep: boolean;
}

/** The conversation to go on with: as it was recorded last, if the program told one and has not died since. */
export function findConversation(
  transcript: readonly KeyedMessage[],
  step: number,
): KnownConversation | undefined {
  if (isDead(transcript)) return undefined;
  const told = transcript.findLast(({ key }) => sessionKey.test(key));
  const sessionId = told?.message.providerOptions?.[keeper]?.['sessionId'];
  if (typeof sessionId !== 'string') return undefined;
  return { sessionId, isOfStep: told?.key.startsWith(`step-${String(step)}-`) === true };
}
