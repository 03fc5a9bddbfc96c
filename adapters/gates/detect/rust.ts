/** Checks of a Rust package or workspace: cargo, clippy, and the formatter where the repository configures it. */
import type { CommittedFiles } from '../../ports.ts';
import type { Candidate } from './ecosystem.ts';

/** Finds them. */
export function findRust({ paths }: CommittedFiles): Candidate[] {
  if (!paths.includes('Cargo.toml')) return [];
  const source = 'Cargo.toml';
  const found: Candidate[] = [
    { kind: 'build', command: 'cargo build', source },
    { kind: 'lint', command: 'cargo clippy --all-targets', source },
    { kind: 'test', command: 'cargo test', source },
  ];
  const format = ['rustfmt.toml', '.rustfmt.toml'].find((path) => paths.includes(path));
  if (format !== undefined) {
    const command = 'cargo fmt --all --check';
    found.push({ kind: 'lint', word: 'format', command, source: format, fix: 'cargo fmt --all' });
  }
  const denied = ['deny.toml', '.cargo/deny.toml'].find((path) => paths.includes(path));
  if (denied !== undefined)
    found.push({ kind: 'security', command: 'cargo deny check', source: denied });
  return found;
}
