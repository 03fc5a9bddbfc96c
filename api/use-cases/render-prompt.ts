/** Prompts with places for a repository's own values. */
import type { Variables } from '../../contracts/task.schema.ts';

/** A prompt with its values in place. */
export interface RenderedPrompt {
  readonly prompt: string;
  /** Names that the prompt asks for and nobody gave; their places are left as they are. */
  readonly unknown: readonly string[];
}

/** Puts variables, and the repository as `{{repository}}`, into the `{{name}}` places of a prompt. A variable wins. */
export function renderPrompt(
  template: string,
  variables: Variables,
  repository: string,
): RenderedPrompt {
  const values = new Map(Object.entries({ repository, ...variables }));
  const unknown = new Set<string>();
  const prompt = template.replace(
    /\{\{\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*\}\}/g,
    (place, name: string) => {
      const value = values.get(name);
      if (value === undefined) unknown.add(name);
      return value ?? place;
    },
  );
  // Without variables `{{ user }}` is no place but the text of somebody's template language.
  return { prompt, unknown: Object.keys(variables).length > 0 ? [...unknown] : [] };
}
