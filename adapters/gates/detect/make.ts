/** Targets of a Makefile. */
import type { CommittedFiles, GateKind } from '../../ports.ts';
import type { Candidate } from './ecosystem.ts';

/** Names that targets of a kind have; the first that is there counts. */
const targetsOf: Readonly<Record<GateKind, readonly string[]>> = {
  build: ['build', 'compile', 'all'],
  lint: ['lint', 'vet'],
  typecheck: ['typecheck', 'type-check'],
  test: ['test', 'tests', 'check'],
  coverage: ['coverage', 'cover'],
  security: ['security', 'audit'],
};

/** Finds them. */
export function findMake({ texts }: CommittedFiles): Candidate[] {
  // The order in which make itself looks.
  const file = ['GNUmakefile', 'makefile', 'Makefile'].find((name) => texts[name] !== undefined);
  if (file === undefined) return [];
  const rules = texts[file]?.matchAll(/^([A-Za-z][\w.\- ]*)::?(?!=)/gm) ?? [];
  const targets = [...rules].flatMap((rule) => rule[1]?.split(' ') ?? []);
  return Object.entries(targetsOf).flatMap(([kind, names]) => {
    const name = names.find((one) => targets.includes(one));
    if (name === undefined) return [];
    const source = `${file}: target ${name}`;
    return [{ kind: kind as GateKind, command: `make ${name}`, source }];
  });
}
