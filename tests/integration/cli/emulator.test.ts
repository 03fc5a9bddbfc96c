// `ado emulator` as a process:
//   - it prints where it listens, in one line for programs
//   - a port that is taken and a script that does not fit are told like everywhere else
//   - it ends with Ctrl-C, and its log file has a line for each call
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { ask, readStream, textsOf, wires } from '../../support/emulator-clients.ts';
import type { Wire } from '../../support/emulator-clients.ts';
import { makePlace, readLines, runAdo, startAdo } from '../../support/run-ado.ts';

it('answers clients as its script says, and writes a line for each call', async () => {
  const place = makePlace();
  writeFileSync(join(place.cwd, 'script.yaml'), 'answers:\n  - text: Hello from the script.\n');
  const flags = ['--port', '0', '--script', 'script.yaml', '--log', 'calls.jsonl', '-o', 'json'];
  const words = ['emulator', ...flags];
  let address = '';
  const call = startAdo(place, words);
  call.child.stdout?.on('data', (text: string) => (address += text));
  await call.says(/\n/);
  const { url, pid } = JSON.parse(address) as { url: string; pid: number };

  const end = await readStream((wires['gemini'] as Wire).model(url), ask('Hello?'));
  process.kill(pid, 'SIGINT');
  const { code, stderr } = await call.end;

  expect(textsOf(end).text).toBe('Hello from the script.');
  expect(code).toBe(0);
  expect(stderr).toContain('1 calls: 1 delivered. 0 violations of limits.');
  expect(readLines(readFileSync(join(place.cwd, 'calls.jsonl'), 'utf8'))).toMatchObject([
    { call: 1, format: 'gemini', outcome: 'delivered', billed: { outputTokens: 6 } },
  ]);
});

it('says who has the port that was asked for', async () => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
  const { port } = holder.address() as AddressInfo;

  const { code, stderr } = await runAdo(makePlace(), ['emulator', '--port', String(port)]);
  holder.close();

  expect(stderr).toContain(`Port ${port} is in use by`);
  expect(stderr).toContain('[PORT_TAKEN]');
  expect(code).toBe(6);
});

it('says file, line and key of a script that does not fit', async () => {
  const place = makePlace();
  writeFileSync(join(place.cwd, 'script.yaml'), 'limits:\n  requests: { perMinit: 5 }\n');

  const { code, stderr } = await runAdo(place, ['emulator', '--script', 'script.yaml']);

  expect(stderr).toContain(
    'script.yaml:2: unknown key "limits.requests.perMinit"; did you mean "perMinute"?',
  );
  expect(code).toBe(2);
});
