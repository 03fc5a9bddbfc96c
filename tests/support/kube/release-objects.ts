/** Reads what Helm answers about a release. */

/** All objects of a release, hooks and tests among them, as YAML, from what `helm install -o json` writes. */
export function objectsOf(answer: string): string {
  const release = JSON.parse(answer) as {
    readonly manifest: string;
    readonly hooks?: readonly { readonly manifest: string }[];
  };
  const hooks = (release.hooks ?? []).map(({ manifest }) => manifest);
  return [release.manifest, ...hooks].join('\n---\n');
}
