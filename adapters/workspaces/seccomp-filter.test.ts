// The filter is run here as the kernel would run it, over calls by their numbers.
import { existsSync, readFileSync } from 'node:fs';
import { seccompFilter } from './seccomp-filter.ts';
import { checkedCalls, refusedCalls, unknownCalls, type CallNumbers } from './system-calls.ts';

interface Call {
  readonly number: number;
  readonly audit?: number;
  readonly args?: readonly (number | bigint)[];
}

const audit = { x64: 0xc000003e, arm64: 0xc00000b7, i386: 0x40000003, arm: 0x40000028 };
const allowed = 0x7fff0000;
const refused = 0x00050001;
const unknown = 0x00050026;
const noSuchFamily = 0x00050061;

/** The machine that runs filters, as far as this one uses it. Answers what the kernel is told to do. */
function ask(architecture: 'x64' | 'arm64', call: Call): number {
  const program = Buffer.from(seccompFilter(architecture) ?? []);
  const data = Buffer.alloc(64);
  data.writeUInt32LE(call.number >>> 0, 0);
  data.writeUInt32LE(call.audit ?? audit[architecture], 4);
  for (const [place, value] of (call.args ?? []).entries())
    data.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), 16 + 8 * place);
  let loaded = 0;
  for (let at = 0; at < program.length; at += 8) {
    const constant = program.readUInt32LE(at + 4);
    const jump = (holds: boolean): void => {
      at += 8 * program.readUInt8(at + (holds ? 2 : 3));
    };
    switch (program.readUInt16LE(at)) {
      case 0x20:
        loaded = data.readUInt32LE(constant);
        break;
      case 0x15:
        jump(loaded === constant);
        break;
      case 0x35:
        jump(loaded >= constant);
        break;
      case 0x45:
        jump((loaded & constant) !== 0);
        break;
      case 0x06:
        return constant;
      default:
        throw new Error(`no such instruction at ${at}`);
    }
  }
  throw new Error('the filter ends without an answer');
}

describe.each([
  ['x64', 0],
  ['arm64', 1],
] as const)('%s', (architecture, column) => {
  test.each(Object.entries(refusedCalls))('%s is not permitted', (_name, numbers) => {
    const number = numbers[column];
    if (number !== undefined) expect(ask(architecture, { number })).toBe(refused);
  });

  test.each(Object.entries(unknownCalls))('%s is unknown', (_name, numbers) => {
    expect(ask(architecture, { number: numbers[column] })).toBe(unknown);
  });

  test('everything else is allowed, also numbers that are not given yet', () => {
    const calls: Readonly<Record<string, CallNumbers>>[] = [
      refusedCalls,
      unknownCalls,
      checkedCalls,
    ];
    const known = calls.flatMap((table) => Object.values(table).map((numbers) => numbers[column]));
    const others = Array.from({ length: 1_000 }, (_, number) => number).filter(
      (number) => !known.includes(number),
    );

    expect(others.filter((number) => ask(architecture, { number }) !== allowed)).toEqual([]);
  });

  test('processes and threads may be made, namespaces may not', () => {
    const clone = (flags: number | bigint) =>
      ask(architecture, { number: checkedCalls.clone[column], args: [flags] });
    const unshare = (flags: number) =>
      ask(architecture, { number: checkedCalls.unshare[column], args: [flags] });

    // fork; a thread as glibc makes it; vfork
    expect([17, 0x3d0f00, 0x4111].map(clone)).toEqual([allowed, allowed, allowed]);
    for (const flag of [
      0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000,
    ]) {
      expect(clone(flag | 17)).toBe(refused);
      expect(clone(BigInt(flag) | (1n << 40n))).toBe(refused);
      expect(unshare(flag)).toBe(refused);
    }
    expect(unshare(0x400)).toBe(allowed);
  });

  test('nobody types into a terminal, whatever the upper half of the request says', () => {
    const ioctl = (request: number | bigint) =>
      ask(architecture, { number: checkedCalls.ioctl[column], args: [1, request] });

    expect([0x5401, 0x5413].map(ioctl)).toEqual([allowed, allowed]);
    expect([0x5412, 0x541c, 0x5412n | (1n << 32n)].map(ioctl)).toEqual([refused, refused, refused]);
  });

  test('sockets are of the families that programs use', () => {
    const socket = (family: number) =>
      ask(architecture, { number: checkedCalls.socket[column], args: [family] });

    expect([1, 2, 10, 16].map(socket)).toEqual([allowed, allowed, allowed, allowed]);
    // AX.25, packet, ALG, vsock, XDP, none at all
    expect([3, 17, 38, 40, 44, 0].map(socket)).toEqual(Array(6).fill(noSuchFamily));
  });

  test('a call by the tables of another processor is refused', () => {
    expect(ask(architecture, { number: 1, audit: audit.i386 })).toBe(refused);
    expect(ask(architecture, { number: 1, audit: audit.arm })).toBe(refused);
    expect(ask(architecture, { number: 0x40000001 })).toBe(refused);
    expect(ask(architecture, { number: -1 })).toBe(refused);
  });
});

test('other processors have no filter', () => {
  expect(seccompFilter('riscv64')).toBeUndefined();
});

const headers = [
  ['x86_64-linux-gnu/asm/unistd_64.h', 0],
  ['asm-generic/unistd.h', 1],
] as const;

describe.each(headers)('%s', (header, column) => {
  const path = `/usr/include/${header}`;
  const compare = existsSync(path) ? test : test.skip;

  compare('the numbers are those of the kernel (its headers are installed)', () => {
    const text = readFileSync(path, 'utf8');
    const stated = new Map(
      [...text.matchAll(/^#define __NR(?:3264)?_(\w+)\s+(\d+)$/gm)].map((match) => [
        match[1],
        Number(match[2]),
      ]),
    );

    for (const [name, numbers] of Object.entries({
      ...refusedCalls,
      ...unknownCalls,
      ...checkedCalls,
    })) {
      // Younger than some headers.
      if (stated.has(name)) expect([name, numbers[column]]).toEqual([name, stated.get(name)]);
    }
    expect(stated.get('ptrace')).toBeDefined();
  });
});
