/**
 * Where reasoning comes from, kept with it in the transcript. It goes back to who made it, and to nobody else: others
 * refuse its signature, cannot decrypt it, or take it for something that was said.
 */
import type {
  LanguageModelV4CallOptions,
  LanguageModelV4Message,
  LanguageModelV4StreamPart,
} from '@ai-sdk/provider';
import type { ProviderAccount } from '../../config/providers-config.ts';

type AssistantPart = Extract<LanguageModelV4Message, { role: 'assistant' }>['content'][number];

const metadataName = 'ado';

/**
 * Who can read what an account's models reasoned: the provider's accounts all, but for OpenAI, which encrypts it for one
 * organisation, and for servers that have no more in common than their interface.
 */
export function originOf({ name, provider }: Pick<ProviderAccount, 'name' | 'provider'>): string {
  return provider === 'anthropic' || provider === 'google' ? provider : `${provider}/${name}`;
}

/** A stream's part, with its origin where reasoning begins. */
export function markOrigin(
  part: LanguageModelV4StreamPart,
  origin: string,
): LanguageModelV4StreamPart {
  if (part.type !== 'reasoning-start' && part.type !== 'reasoning-file') return part;
  return { ...part, providerMetadata: { ...part.providerMetadata, [metadataName]: { origin } } };
}

/** A request without the reasoning of others, and without the marks. */
export function keepOwnReasoning(
  options: LanguageModelV4CallOptions,
  origin: string,
): LanguageModelV4CallOptions {
  return { ...options, prompt: options.prompt.map((message) => ownOf(message, origin)) };
}

function ownOf(message: LanguageModelV4Message, origin: string): LanguageModelV4Message {
  if (message.role !== 'assistant') return message;
  const content = message.content.flatMap((part): AssistantPart[] => {
    if (part.type !== 'reasoning' && part.type !== 'reasoning-file') return [part];
    const { [metadataName]: mark, ...rest } = part.providerOptions ?? {};
    if (mark?.['origin'] !== origin) return [];
    const { providerOptions: _, ...own } = part;
    return [Object.keys(rest).length === 0 ? own : { ...own, providerOptions: rest }];
  });
  return { ...message, content };
}
