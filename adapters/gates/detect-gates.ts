/** Finds the checks that a repository has of its own, from its committed files. Nothing of it is run for that. */
import type { CommittedFiles, FoundGate, FoundGates, GateKind, GateTools } from '../ports.ts';
import { findGo } from './detect/go.ts';
import { findJava } from './detect/java.ts';
import { findMake } from './detect/make.ts';
import { findNode } from './detect/node.ts';
import { findPython } from './detect/python.ts';
import { findRust } from './detect/rust.ts';
import type { Candidate, Ecosystem } from './detect/ecosystem.ts';

/** Build 5, lint 2, tests 10 minutes. */
const timeoutsMs: Readonly<Record<GateKind, number>> = {
  build: 300_000,
  lint: 120_000,
  typecheck: 120_000,
  test: 600_000,
  coverage: 600_000,
  security: 300_000,
};

/** Which kinds a profile asks for. */
const kindsOf: Readonly<Record<Parameters<GateTools['detect']>[1], readonly GateKind[]>> = {
  minimal: ['build'],
  standard: ['build', 'lint', 'typecheck', 'test', 'coverage'],
  strict: ['build', 'lint', 'typecheck', 'test', 'coverage', 'security'],
};

/** `make` is last: where a language's own tools are known, its targets only add the kinds that those lack. */
const ecosystems: readonly Ecosystem[] = [
  {
    name: 'node',
    manifests: ['package.json'],
    lookedFor: 'package.json (scripts)',
    find: findNode,
  },
  { name: 'go', manifests: ['go.mod'], lookedFor: 'go.mod', find: findGo },
  { name: 'rust', manifests: ['Cargo.toml'], lookedFor: 'Cargo.toml', find: findRust },
  {
    name: 'python',
    manifests: [
      'pyproject.toml',
      'setup.cfg',
      'tox.ini',
      'requirements-dev.txt',
      'requirements.txt',
    ],
    lookedFor: 'pyproject.toml, setup.cfg, tox.ini or Python tests',
    find: findPython,
  },
  { name: 'java', manifests: [], lookedFor: 'pom.xml, build.gradle', find: findJava },
  {
    name: 'make',
    manifests: ['GNUmakefile', 'makefile', 'Makefile'],
    lookedFor: 'Makefile (targets)',
    find: findMake,
  },
];

/** Files whose contents tell of checks. */
export const manifests: readonly string[] = ecosystems.flatMap((one) => one.manifests);

/** Finds the checks of the kinds that the profile asks for. */
export function detectGates(
  files: CommittedFiles,
  profile: Parameters<GateTools['detect']>[1],
): FoundGates {
  const kinds = kindsOf[profile];
  const gates: FoundGate[] = [];
  for (const { name: ecosystem, find } of ecosystems) {
    const known = gates.map((gate) => gate.kind);
    for (const candidate of find(files)) {
      const isLess = ecosystem === 'make' && known.includes(candidate.kind);
      if (!kinds.includes(candidate.kind) || isLess) continue;
      gates.push(toGate(candidate, { ecosystem, names: gates.map((gate) => gate.name) }));
    }
  }
  return { gates, lookedFor: ecosystems.map((one) => one.lookedFor) };
}

/** The kind is the name, as long as no other check has it. */
function toGate(
  candidate: Candidate,
  { ecosystem, names }: { readonly ecosystem: string; readonly names: readonly string[] },
): FoundGate {
  const { kind, word = kind } = candidate;
  const wanted = [word, `${word}-${ecosystem}`, `${word}-${ecosystem}-${String(names.length)}`];
  const name = wanted.find((one) => !names.includes(one)) ?? word;
  const { command, source, fix } = candidate;
  const timeoutMs = timeoutsMs[kind];
  return { name, kind, command, source, timeoutMs, ...(fix === undefined ? {} : { fix }) };
}
