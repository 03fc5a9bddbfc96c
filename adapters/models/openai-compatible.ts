/** Whatever speaks OpenAI's chat completions: vLLM, Ollama, llama.cpp, a gateway. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import type { LanguageModelV4CallOptions, LanguageModelV4Message } from '@ai-sdk/provider';
import type { Connection, ProviderClient } from './provider-client.ts';

/** The name under which the client keeps metadata of messages: the same for all servers, so that one can follow another. */
const metadataName = 'compatible';

/** Makes the client of a model. No key is sent where the account has none. */
export function createCompatibleClient(
  { baseUrl, fetch }: Connection,
  modelId: string,
): ProviderClient {
  const provider = createOpenAICompatible({
    name: metadataName,
    baseURL: baseUrl,
    fetch,
    // Usage of a stream is told only when asked for.
    includeUsage: true,
  });
  return { model: provider.languageModel(modelId), prepare: withoutForeign };
}

/** Takes out the metadata of other providers: the client sends Google's in fields that strict servers refuse. */
function withoutForeign(options: LanguageModelV4CallOptions): LanguageModelV4CallOptions {
  return { ...options, prompt: options.prompt.map(withoutForeignMetadata) };
}

function withoutForeignMetadata(message: LanguageModelV4Message): LanguageModelV4Message {
  if (message.role !== 'assistant') return message;
  const content = message.content.map((part) => {
    const { providerOptions, ...rest } = part;
    const own = providerOptions?.[metadataName];
    return own === undefined ? rest : { ...rest, providerOptions: { [metadataName]: own } };
  });
  return { ...message, content };
}
