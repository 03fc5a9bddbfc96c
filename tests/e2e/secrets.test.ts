// Secrets of a worker, while tasks of several agents look for them: none is in anything that ado keeps, says or shows.
//   - in the environment, in providers.yaml's variables, in git's credentials, in a remote's address, the API's own key
//   - looked for in PostgreSQL, Redis, Temporal's histories, logs, traces, events, branches, and by a program in the sandbox itself
//   - as they are, in hex, in base64, in an address
// That the scan finds what is there is shown, too. A repository's URL with a password in it is refused, and written nowhere.
import { createServer } from 'node:http';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmulator, type Emulator } from '../../cli/emulator/emulator.ts';
import { parseScript } from '../../cli/emulator/script.ts';
import { findAgentsDir } from '../../config/agent-programs.ts';
import { given, hasAgent, type Given } from '../agents/agent-world.ts';
import { vendors } from '../faults/emulated-provider.ts';
import { startSharedAdo, until, type Ado } from '../support/ado-platform.ts';
import {
  allLogs,
  canariesIn,
  dumpDatabase,
  dumpHistories,
  dumpRedis,
  makeCanary,
} from '../support/canaries.ts';
import { startOtlpReceiver, type OtlpReceiver } from '../support/otlp-receiver.ts';
import { deliveredBranches, git, makeRepository } from '../support/repositories.ts';

const canaries: Record<string, string> = {
  'environment of the worker': makeCanary('environment'),
  'key of a provider': makeCanary('provider'),
  'credential of git': makeCanary('git'),
  'address of a remote': makeCanary('remote'),
  'address of a repository': makeCanary('address'),
};
const secretOf = (place: string): string => canaries[place] ?? '';

/** All that a program in the sandbox can see but the system's own programs, read into the work tree, names and numbers included. Without
 * `$(…)`, which one of the agents refuses. */
const look = [
  'env > seen.txt',
  'cat /proc/*/environ /proc/*/cmdline >> seen.txt 2>&1',
  'git config --list >> seen.txt 2>&1; cat .git >> seen.txt; git log --all -p >> seen.txt 2>&1',
  'find /etc /home /tmp /run /var -type f -size -100k -exec cat {} + >> seen.txt 2>&1',
  'cut -d" " -f2 .git | xargs -I % find % -type f -size -100k -exec cat {} + >> seen.txt 2>&1',
  'echo looked >> seen.txt',
].join('; ');

let ado: Ado;
let emulator: Emulator;
let collector: OtlpReceiver;
let remote: Awaited<ReturnType<typeof serveWithPassword>>;
beforeAll(async () => {
  const answers = given.map((one) => ({
    when: { format: one.format, turn: 1, model: nameOfModel(one) },
    toolCalls: [one.shell(look)],
  }));
  const script = { answers: [...answers, { text: 'Done.' }] };
  emulator = await startEmulator({ port: 0, script: parseScript('look', JSON.stringify(script)) });
  remote = await serveWithPassword(secretOf('credential of git'));
  const home = mkdtempSync(join(tmpdir(), 'ado-test-home-'));
  const login = `x:${encodeURIComponent(secretOf('credential of git'))}@`;
  writeFileSync(join(home, '.git-credentials'), `${remote.url.replace('://', `://${login}`)}\n`);
  writeFileSync(join(home, '.gitconfig'), '[credential]\n\thelper = store\n');
  const providersFile = join(home, 'providers.yaml');
  const accounts = Object.keys(vendors).map((provider) => ({
    ...{ name: provider, provider, access: 'api', credential: { env: 'PAID_API_KEY' } },
    baseUrl: `${emulator.url}/${provider === 'google' ? 'v1beta' : 'v1'}`,
  }));
  // JSON is YAML.
  writeFileSync(providersFile, JSON.stringify({ accounts }));
  collector = await startOtlpReceiver();
  ado = await startSharedAdo({
    env: {
      LOG_LEVEL: 'trace',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_BSP_SCHEDULE_DELAY: '200',
      HOME: home,
      ADO_AGENTS_DIR: findAgentsDir(process.env),
      ADO_PROVIDERS_FILE: providersFile,
      PAID_API_KEY: secretOf('key of a provider'),
      WORKER_SECRET: secretOf('environment of the worker'),
    },
  });
  canaries['key of the API'] = ado.apiKey;
});
afterAll(async () => {
  await ado.stop();
  await emulator.close();
  await collector.close();
  remote.close();
});

/** The model of an agent; the two that ask the same vendor are told apart by it. */
function nameOfModel({ agent, provider }: Given): string {
  return agent === 'claude-code' ? 'claude-opus-4-8' : vendors[provider].model;
}

/** A host of a repository that only answers who has the password: plain files, as git reads them from any web server. */
async function serveWithPassword(password: string) {
  const repository = makeRepository();
  git(repository, 'update-server-info');
  const wanted = `Basic ${Buffer.from(`x:${password}`).toString('base64')}`;
  const server = createServer((request, response) => {
    if (request.headers.authorization !== wanted) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      return;
    }
    const { pathname } = new URL(request.url ?? '', 'http://host');
    try {
      response.end(readFileSync(join(repository, pathname.replace(/^\/repository/, ''))));
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { url: `http://127.0.0.1:${port}/repository/.git`, close: () => server.close() };
}

/** Everything that ado keeps, says and shows of these tasks, by where it is. */
async function collect(taskIds: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const histories = await dumpHistories(ado.temporal);
  for (const id of taskIds) expect(histories).toContain(id);
  const events = await Promise.all(taskIds.map((id) => ado.listEvents(id)));
  const isTraced = (id: string) =>
    collector.spans.some(
      ({ name, attributes }) => name === 'agentTask' && attributes['temporal.workflow.id'] === id,
    );
  await until('the runs are told to the collector', () => taskIds.every(isTraced), 30_000);
  return {
    postgres: await dumpDatabase(ado.databaseUrl),
    redis: await dumpRedis(ado.redisUrl),
    histories,
    logs: allLogs(ado),
    events: JSON.stringify(events),
    traces: collector.text(),
    metrics: await (await fetch(`${ado.worker.internalUrl}/metrics`)).text(),
  };
}

test('what agents see, and what is kept of their tasks, holds no secret', async () => {
  const repository = makeRepository();
  const address = `https://x:${encodeURIComponent(secretOf('address of a remote'))}@example.com/a.git`;
  git(repository, 'config', 'remote.origin.url', address);
  const work = { prompt: 'Look around', repository, gateProfile: 'none' } as const;
  const agents = given.filter(({ agent }) => hasAgent(agent));

  const begun = await Promise.all([
    ado.submitTask({ ...work, agent: 'command', exec: look }),
    ado.submitTask({
      ...{ prompt: 'Look around', agent: 'command', exec: look, gateProfile: 'none' },
      ...{ repository: remote.url, delivery: { mode: 'patch' } },
    }),
    ...agents.map((one) =>
      ado.submitTask({
        ...work,
        agent: one.agent,
        model: `${one.provider}:${nameOfModel(one)}`,
      }),
    ),
  ]);
  const ids = begun.map(({ id }) => id);
  for (const id of ids) await ado.ended(id, 100_000);

  const tasks = await Promise.all(ids.map((id) => ado.getTask(id)));
  expect(tasks.map(({ status, error }) => error ?? status)).toEqual(ids.map(() => 'succeeded'));
  const branches = deliveredBranches(repository);
  expect(branches).toHaveLength(ids.length - 1);
  const seen = branches.map((branch) => git(repository, 'show', `${branch}:seen.txt`));
  for (const text of seen) expect(text).toMatch(/ADO_TASK_ID=|HOME=[\s\S]*looked$/);
  const places: Readonly<Record<string, string>> = {
    ...(await collect(ids)),
    branches: seen.join('\n'),
  };
  expect(Object.keys(places).filter((place) => (places[place] ?? '').length < 100)).toEqual([]);
  const found = Object.entries(places).map(([place, text]) => [place, canariesIn(text, canaries)]);
  expect(Object.fromEntries(found)).toEqual(
    Object.fromEntries(Object.keys(places).map((place) => [place, []])),
  );
});

test('a URL with a password or a token in it is refused, and written nowhere', async () => {
  const secret = encodeURIComponent(secretOf('address of a repository'));
  const token = 'ghp_0123456789abcdefghijklmnopqrstuvwxyz';
  const urls = [
    remote.url.replace('://', `://x:${secret}@`),
    `https://${token}@example.com/a/b.git`,
  ];
  const work = { prompt: 'Look', agent: 'command', exec: 'true' } as const;

  for (const repository of urls) {
    await expect(ado.submitTask({ ...work, repository })).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
    });
    await expect(ado.submitBatch({ ...work, items: [{ repository }] })).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
    });
  }

  const kept = `${await dumpDatabase(ado.databaseUrl)}${await dumpRedis(ado.redisUrl)}${allLogs(ado)}`;
  expect(canariesIn(kept, canaries)).toEqual([]);
  expect(kept).not.toContain(token);
});

test('a secret that is kept would be found, however it is written', async () => {
  const marker = makeCanary('marker');
  const [hex, base64] = (['hex', 'base64'] as const).map((form) =>
    Buffer.from(`a=${marker}`).toString(form),
  );
  const forms = [marker, hex, base64, encodeURIComponent(marker)];
  for (const form of forms) {
    const exec = `echo '${form ?? ''}'`;
    const work = { prompt: 'Tell', agent: 'command', exec, repository: makeRepository() } as const;
    const { id } = await ado.submitTask(work);
    await ado.ended(id);
    const events = JSON.stringify(await ado.listEvents(id));
    expect(canariesIn(events, { marker })).toEqual(['marker']);
  }

  expect(canariesIn(await dumpDatabase(ado.databaseUrl), { marker })).toEqual(['marker']);
});
