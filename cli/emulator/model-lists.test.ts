// The lists of models, as each vendor gives them:
//   - the models that the script names are among them
//   - a key that is missing, or that the script refuses, is refused in the vendor's form
//   - asking is no call
import { startEmulator } from './emulator.ts';
import type { Emulator } from './emulator.ts';
import { parseScript } from './script.ts';

const script = parseScript(
  'script',
  JSON.stringify({
    answers: [{ when: { model: 'my-model' }, text: 'Hi.' }],
    faults: [
      { when: { key: 'revoked' }, error: { status: 401 } },
      { when: { key: 'good', calls: [1] }, error: { status: 529 } },
    ],
  }),
);

let emulator: Emulator;
beforeEach(async () => {
  emulator = await startEmulator({ port: 0, script });
});
afterEach(() => emulator.close());

const version = { 'anthropic-version': '2023-06-01' };
const wires = [
  ['anthropic', '/v1/models?limit=1000', (key: string) => ({ ...version, 'x-api-key': key })],
  ['openai', '/v1/models', (key: string) => ({ authorization: `Bearer ${key}` })],
  ['gemini', '/v1beta/models?pageSize=1000', (key: string) => ({ 'x-goog-api-key': key })],
] as const;

async function list(path: string, headers: Readonly<Record<string, string>>) {
  const response = await fetch(emulator.url + path, { headers });
  return { status: response.status, body: JSON.stringify(await response.json()) };
}

it.each(wires)('%s: a key gets the list, and asking is no call', async (_, path, keyed) => {
  const { status, body } = await list(path, keyed('good'));

  expect(status).toBe(200);
  expect(body).toMatch(/"(models\/)?my-model"/);
  expect(await emulator.counts()).toMatchObject({ calls: 0 });
});

it.each(wires)('%s: a key that the script refuses gets none', async (_, path, keyed) => {
  const { status, body } = await list(path, keyed('revoked'));

  expect(status).toBe(401);
  expect(body).toContain('"error"');
});

it('a key that is missing is refused, except where a server may need none', async () => {
  expect((await list('/v1/models', version)).status).toBe(401);
  expect((await list('/v1beta/models', {})).status).toBe(401);
  expect(await list('/v1/models', {})).toMatchObject({
    status: 200,
    body: expect.stringContaining('qwen3'),
  });
});
