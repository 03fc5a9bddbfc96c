/** Checks of a Go module: its own tools. */
import type { CommittedFiles } from '../../ports.ts';
import type { Candidate } from './ecosystem.ts';

/** Finds them. */
export function findGo({ paths }: CommittedFiles): Candidate[] {
  if (!paths.includes('go.mod')) return [];
  const source = 'go.mod';
  const hasTests = paths.some((path) => path.endsWith('_test.go'));
  return [
    { kind: 'build', command: 'go build ./...', source },
    { kind: 'lint', command: 'go vet ./...', source },
    ...(hasTests ? [{ kind: 'test' as const, command: 'go test ./...', source }] : []),
  ];
}
