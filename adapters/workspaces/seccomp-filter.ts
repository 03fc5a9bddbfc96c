/**
 * The filter of system calls of every sandbox: a program for the kernel's packet filter machine, as bubblewrap wants it
 * (`--seccomp`). Eight bytes an instruction: code, jumps when true and when false, a constant.
 *
 * Everything is allowed but what system-calls.ts lists; of a few calls the arguments decide. A program of another
 * processor's kind (32-bit, x32) can do nothing, as its numbers mean other calls.
 */
import {
  callNumber,
  checkedCalls,
  filteredArchitectures,
  refusedCalls,
  unknownCalls,
  type CallNumbers,
  type FilteredArchitecture,
} from './system-calls.ts';

/** What the kernel shows of a call: number, processor, and six arguments of 8 bytes. */
const offsets = { number: 0, architecture: 4, argument: (place: number) => 16 + 8 * place };

const auditArchitectures = { x64: 0xc000003e, arm64: 0xc00000b7 } as const;
/** Numbers from here on are x32: 64-bit registers with other tables. */
const x32Bit = 0x40000000;

const codes = { load: 0x20, jumpIfEqual: 0x15, jumpIfAtLeast: 0x35, jumpIfSet: 0x45, answer: 0x06 };

const errorNumbers = { EPERM: 1, ENOSYS: 38, EAFNOSUPPORT: 97 };
const refuse = (errorNumber: number): number => 0x00050000 + errorNumber;
const answers = {
  allow: 0x7fff0000,
  refused: refuse(errorNumbers.EPERM),
  unknown: refuse(errorNumbers.ENOSYS),
  noSuchFamily: refuse(errorNumbers.EAFNOSUPPORT),
} as const;

/** New namespaces of mounts, cgroups, host names, IPC, users, processes, networks; a new one of time has no bit here. */
const namespaceFlags = 0x7e020000;
/** Typing into a terminal, and its like of the console. */
const terminalRequests = { TIOCSTI: 0x5412, TIOCLINUX: 0x541c };
/** Unix sockets, IPv4, IPv6, and netlink, by which programs list the interfaces of the network. */
const socketFamilies = { AF_UNIX: 1, AF_INET: 2, AF_INET6: 10, AF_NETLINK: 16 };

type Answer = keyof typeof answers;
/** Where a jump leads: to an answer, or over so many instructions. */
type Target = Answer | number;
interface Instruction {
  readonly code: number;
  readonly constant: number;
  readonly whenTrue?: Target;
  readonly whenFalse?: Target;
}

const load = (offset: number): Instruction => ({ code: codes.load, constant: offset });
const when = (
  condition: 'jumpIfEqual' | 'jumpIfAtLeast' | 'jumpIfSet',
  constant: number,
  targets: Pick<Instruction, 'whenTrue' | 'whenFalse'>,
): Instruction => ({ code: codes[condition], constant, ...targets });
const isOneOf = (numbers: readonly number[], whenTrue: Answer): Instruction[] =>
  numbers.map((number) => when('jumpIfEqual', number, { whenTrue }));
const answer = (name: Answer): Instruction => ({ code: codes.answer, constant: answers[name] });

/** The filter for a processor; undefined where there is none. */
export function seccompFilter(architecture: string = process.arch): Uint8Array | undefined {
  const known = filteredArchitectures.find((name) => name === architecture);
  return known === undefined ? undefined : assemble(programFor(known));
}

function programFor(architecture: FilteredArchitecture): Instruction[] {
  const numbersOf = (calls: Readonly<Record<string, CallNumbers>>): number[] =>
    Object.values(calls).flatMap((numbers) => callNumber(numbers, architecture) ?? []);
  /** Checks of a call's arguments, which end with an answer; other calls pass over them. */
  const ofCall = (numbers: CallNumbers, checks: readonly Instruction[]): Instruction[] => [
    when('jumpIfEqual', callNumber(numbers, architecture) ?? 0, { whenFalse: checks.length }),
    ...checks,
  ];
  const refusesNamespaces = [
    load(offsets.argument(0)),
    when('jumpIfSet', namespaceFlags, { whenTrue: 'refused' }),
    answer('allow'),
  ];
  return [
    load(offsets.architecture),
    when('jumpIfEqual', auditArchitectures[architecture], { whenFalse: 'refused' }),
    load(offsets.number),
    when('jumpIfAtLeast', x32Bit, { whenTrue: 'refused' }),
    ...isOneOf(numbersOf(refusedCalls), 'refused'),
    ...isOneOf(numbersOf(unknownCalls), 'unknown'),
    ...ofCall(checkedCalls.clone, refusesNamespaces),
    ...ofCall(checkedCalls.unshare, refusesNamespaces),
    ...ofCall(checkedCalls.ioctl, [
      load(offsets.argument(1)),
      ...isOneOf(Object.values(terminalRequests), 'refused'),
      answer('allow'),
    ]),
    ...ofCall(checkedCalls.socket, [
      load(offsets.argument(0)),
      ...isOneOf(Object.values(socketFamilies), 'allow'),
      answer('noSuchFamily'),
    ]),
  ];
}

/** Puts the answers behind the program, `allow` first: who gets there without a jump is allowed. */
function assemble(program: readonly Instruction[]): Uint8Array {
  const names = Object.keys(answers) as Answer[];
  const instructions = [...program, ...names.map(answer)];
  const distance = (target: Target, from: number): number => {
    if (typeof target === 'number') return target;
    const steps = program.length + names.indexOf(target) - from - 1;
    // A jump has one byte for it.
    if (steps > 255) throw new Error(`The filter is too long: ${steps} instructions to ${target}.`);
    return steps;
  };
  const bytes = Buffer.alloc(8 * instructions.length);
  for (const [place, instruction] of instructions.entries()) {
    const { code, constant, whenTrue = 0, whenFalse = 0 } = instruction;
    bytes.writeUInt16LE(code, 8 * place);
    bytes.writeUInt8(distance(whenTrue, place), 8 * place + 2);
    bytes.writeUInt8(distance(whenFalse, place), 8 * place + 3);
    bytes.writeUInt32LE(constant, 8 * place + 4);
  }
  return bytes;
}
