// The report of a batch.
//   - the page tells every item, failures first, with error, checks, change and cost; costs by model add up
//   - in a real browser it opens from disk: no request, no dialog, no violation of its policy, whatever its texts hold
//   - filters and order do what they say; thousands of items stay usable
//   - an earlier report is replaced, any other file is refused
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { writeHtmlReport } from '../../../cli/report/html-report.ts';
import { writeMarkdownReport } from '../../../cli/report/markdown-report.ts';
import type { Report, ReportItem } from '../../../cli/report/report.ts';
import { listChecks } from '../../../cli/steps/checks.ts';
import { reveal } from '../../../cli/reveal.ts';
import type { Batch } from '../../../contracts/batch.schema.ts';
import { submitBatchSchema } from '../../../contracts/batch.schema.ts';
import type { Step } from '../../../contracts/step.schema.ts';
import { submitTaskSchema, type Task } from '../../../contracts/task.schema.ts';
import { Browser, browserProgram } from '../../support/browser.ts';
import { FakeApi, fakeKey } from '../../support/fake-api.ts';
import { aBatch, aTask, countItems } from '../../support/fake-work.ts';
import { listHostileTexts } from '../../support/hostile-texts.ts';
import { makePlace, runAdo } from '../../support/run-ado.ts';

jest.setTimeout(180_000);

const begin = Date.parse('2026-11-21T10:00:00Z');
const at = (seconds: number): string => new Date(begin + seconds * 1_000).toISOString();

function anItem(repository: string, change: Partial<Task> = {}, patch = ''): ReportItem {
  const request = { prompt: 'Bump', repository, model: 'anthropic:claude-sonnet-5' };
  const task: Task = {
    ...aTask(submitTaskSchema.parse(request)),
    ...{ status: 'succeeded', outcome: 'succeeded', startedAt: at(0), endedAt: at(10) },
    costMicroUsd: 1_000,
    ...change,
  };
  const steps: Step[] = [];
  return { task, steps, checks: [], patch };
}

const patch = (name: string, ...added: string[]): string =>
  `diff --git a/${name} b/${name}\n--- a/${name}\n+++ b/${name}\n@@ -1 +1,${added.length} @@\n-old\n${added.map((line) => `+${line}\n`).join('')}`;

function aGate(gate: string, findings: Step['findings']): Step {
  return {
    ...{ attempt: 1, step: 1, kind: 'gate', gate, status: 'failed', summary: `${gate}: broken` },
    ...{ findings, costMicroUsd: 0, startedAt: at(8), endedAt: at(10) },
  };
}

function aReport(items: readonly ReportItem[], change: Partial<Batch> = {}): Report {
  const repositories = items.map(({ task }) => ({ repository: task.repository }));
  const request = submitBatchSchema.parse({
    ...{ prompt: 'Bump', name: 'bumps', agent: 'command', exec: 'true' },
    items: repositories.slice(0, 1),
  });
  const tasks = items.map((item) => item.task);
  const batch: Batch = {
    ...aBatch(request),
    counts: countItems(tasks, tasks.length),
    costMicroUsd: tasks.reduce((sum, task) => sum + task.costMicroUsd, 0),
    ...change,
  };
  const model = { calls: 2, inputTokens: 10, outputTokens: 5, costMicroUsd: batch.costMicroUsd };
  return {
    ...{ schemaVersion: 1, writtenAt: at(60), batch, items },
    models: [{ model: 'anthropic:claude-sonnet-5', ...model }],
  };
}

const folder = mkdtempSync(join(tmpdir(), 'ado-report-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function writePage(report: Report): { readonly url: string; readonly path: string } {
  const path = join(folder, `${report.batch.id}.html`);
  writeFileSync(path, writeHtmlReport(report, 'ado'));
  return { path, url: pathToFileURL(path).href };
}

test('work that only ado has is told as unpublished, with what publishes it', () => {
  const change = { commit: 'c'.repeat(40), published: false };
  const kept = anItem('https://h.example/r/kept', change);
  const pushed = anItem('/r/pushed', { ...change, published: true });
  const report = aReport([kept, pushed]);

  const page = writeHtmlReport(report, './ado');
  const text = writeMarkdownReport(report);

  expect(page).toContain(`${kept.task.branch} (unpublished)`);
  expect(page).toContain(`./ado publish ${kept.task.id}`);
  expect(page).not.toContain(`publish ${pushed.task.id}`);
  expect(text).toContain(`\`${kept.task.branch} (unpublished)\``);
  expect(text).not.toContain(`${pushed.task.branch} (unpublished)`);
});

describe('ado batch report', () => {
  let api: FakeApi;
  beforeEach(async () => {
    api = new FakeApi();
    await api.start();
  });
  afterEach(() => api.stop());

  /** A batch on the server: one item that failed its check, one that went well. */
  function serve(): string {
    const findings = [{ tool: 'tsc', file: 'a.ts', line: 3, message: 'wrong' }];
    const items = [
      anItem('/r/fine', { commit: 'c'.repeat(40) }, patch('x', 'new')),
      anItem('/r/bad', {
        ...{ status: 'failed', outcome: 'failed', failureClass: 'gate' },
        ...{ errorCode: 'GATE_FAILED', error: 'types: wrong' },
      }),
    ];
    const { batch } = aReport(items);
    api.batches.set(batch.id, batch);
    for (const [itemIndex, { task, patch: change }] of items.entries()) {
      api.tasks.set(task.id, { ...task, batchId: batch.id, itemIndex });
      api.diffs.set(task.id, change);
    }
    api.steps.set(items[1]?.task.id ?? '', [aGate('types', findings)]);
    const sums = {
      ...{ calls: 2, inputTokens: 10, outputTokens: 5, costMicroUsd: 2_000, reasoningTokens: 0 },
      ...{ cacheReadTokens: 0, cacheWriteTokens: 0, cacheWriteHourTokens: 0 },
    };
    const open = { heldMicroUsd: 0, unknownMicroUsd: 0, unknownCalls: 0 };
    api.answers.getUsage = ({ query }) => ({
      ...{ items: [{ key: 'openai:gpt-5', ...sums }], nextCursor: null, by: query['by'] },
      ...{ from: at(0), to: at(60), timeZone: 'UTC', total: { ...sums, open } },
    });
    return batch.id;
  }

  it('writes a page, Markdown and JSON of what the server knows', async () => {
    const place = makePlace({ ADO_URL: api.url, ADO_API_KEY: fakeKey });
    const id = serve();

    const page = await runAdo(place, ['batch', 'report', id]);
    const again = await runAdo(place, ['batch', 'report', id.slice(-8)]);
    const markdown = await runAdo(place, ['batch', 'report', id, '-o', 'md']);
    const json = await runAdo(place, ['batch', 'report', id, '-o', 'json']);

    expect([page.code, again.code, markdown.code, json.code]).toEqual([0, 0, 0, 0]);
    expect(page.stdout).toBe(`${join(place.cwd, `${id}.html`)}\n`);
    expect(readFileSync(page.stdout.trim(), 'utf8')).toMatch(/r\/bad[^]*r\/fine/);
    expect(markdown.stdout).toContain('| ✗ | `r/bad` | failed `gate types: wrong [GATE_FAILED]` |');
    expect(markdown.stdout).toContain('- `types`: 1 finding\n  - `a.ts:3 wrong`');
    expect(JSON.parse(json.stdout)).toMatchObject({
      schemaVersion: 1,
      models: [{ model: 'openai:gpt-5', calls: 2, costMicroUsd: 2_000 }],
      items: [
        { task: { repository: '/r/fine' }, patch: patch('x', 'new') },
        { checks: [{ gate: 'types', ok: false, findings: [{ file: 'a.ts', line: 3 }] }] },
      ],
    });
    const usage = api.seen.find((request) => request.route === 'getUsage');
    expect(usage?.query).toMatchObject({ by: 'model', batchId: id });
  });

  it('names the command that shows a change too long for the page; JSON has it whole', async () => {
    const place = makePlace({ ADO_URL: api.url, ADO_API_KEY: fakeKey });
    const id = serve();
    const [task] = api.itemsOf(id);
    const long = patch('long', 'x'.repeat(300_000));
    api.diffs.set(task?.id ?? '', long);

    const page = await runAdo(place, ['batch', 'report', id, '--html', '-']);
    const json = await runAdo(place, ['batch', 'report', id, '-o', 'json']);

    expect(page.stdout).toContain(`too long for this page: ado diff ${task?.id ?? ''}`);
    expect(page.stdout.length).toBeLessThan(100_000);
    expect((JSON.parse(json.stdout) as Report).items[0]?.patch).toBe(long);
  });

  it('refuses a file that is no report', async () => {
    const place = makePlace({ ADO_URL: api.url, ADO_API_KEY: fakeKey });
    const id = serve();
    writeFileSync(join(place.cwd, 'thesis.html'), '<h1>precious</h1>');

    const end = await runAdo(place, ['batch', 'report', id, '--html', 'thesis.html']);

    expect(end.code).toBe(6);
    expect(end.stderr).toContain('[TARGET_EXISTS]');
    expect(readFileSync(join(place.cwd, 'thesis.html'), 'utf8')).toBe('<h1>precious</h1>');
    expect(existsSync(join(place.cwd, `${id}.html`))).toBe(false);
  });
});

it('as Markdown, text of others stands in code spans only', () => {
  const hostile = '`x` | ![p](http://evil.example/p) @all <img src=x>\n# head';

  const markdown = writeMarkdownReport(
    aReport([anItem('/r/a', { status: 'failed', outcome: 'failed', error: hostile })], {
      name: hostile,
    }),
  );

  expect(markdown.split('\n')[0]).toBe(
    '# `` `x` ¦ ![p](http://evil.example/p) @all <img src=x> # head ``',
  );
  expect(markdown.replace(/``.*?``/g, '')).not.toMatch(/evil|@all|<img/);
});

const inBrowser = browserProgram === undefined ? describe.skip : describe;
inBrowser(
  browserProgram === undefined ? 'in a browser (skipped: no Chromium here)' : 'in a browser',
  () => {
    let browser: Browser;
    beforeAll(() => {
      browser = new Browser(browserProgram ?? '');
    });
    afterAll(() => browser.close());

    const openAll = `for (const item of document.querySelectorAll('.item, .file')) item.open = true;
      new Promise((resolve) => setTimeout(() => {
        for (const file of document.querySelectorAll('.file')) file.open = true;
        setTimeout(resolve, 300);
      }, 300))`;

    it('500 hostile texts in every field stay text: 0 dialogs, 0 requests, 0 violations', async () => {
      const texts = listHostileTexts(500);
      const items = texts.map((text, index) => {
        const line = text.replaceAll('\n', ' ');
        const failed = { status: 'failed', outcome: 'failed', errorCode: 'GATE_FAILED' } as const;
        const open = { status: 'running', outcome: undefined, activity: text } as const;
        const words = { error: text, summary: text, branch: text, prompt: text, reason: text };
        const item = anItem(
          `/r/${text}`,
          { ...words, commit: text, ...(index % 3 === 0 ? failed : index % 3 === 1 ? open : {}) },
          patch(line, line, 'fine'),
        );
        const finding = { tool: text, file: text, code: text, message: text };
        const gate = { ...aGate('test', [finding]), summary: `test: ${text}` };
        const sum: Step = { ...gate, status: 'succeeded', summary: text, startedAt: gate.endedAt };
        const steps = [gate, sum];
        return { ...item, steps, checks: listChecks(steps) };
      });
      const report = aReport(items, { name: texts.join(' '), prompt: texts.join('\n') });
      const models = texts.map((model) => ({ ...report.models[0], model }) as never);

      const page = await browser.open(writePage({ ...report, models }).url);
      await page.evaluate(openAll);

      const seen = await page.evaluate(`({
        hacked: window.hacked,
        foreign: document.querySelectorAll('img,iframe,object,embed,link,base,form,video,audio,math,marquee,template,body style,main script,[style],a[href^="j" i]').length,
        made: document.querySelectorAll('.name *, .what *, .prompt *, td.mono *, h1 > :not(.badge)').length +
          [...document.querySelectorAll('*')].filter((one) => one instanceof HTMLUnknownElement).length,
        rows: document.querySelectorAll('.item').length,
        text: document.body.innerText.length,
        drawn: [...document.querySelectorAll('.item')].filter((item) => item.querySelector('.facts')).length,
        lines: [...document.querySelectorAll('.diff .a')].map((line) => line.textContent),
        errors: [...document.querySelectorAll('.error')].map((line) => line.textContent),
        findings: document.querySelectorAll('.finding').length,
      })`);
      expect(page.deeds).toEqual({
        dialogs: [],
        requests: [expect.stringMatching(/^file:/)],
        errors: [],
        popups: [],
      });
      expect(seen).toMatchObject({ foreign: 0, made: 0, rows: 500, drawn: 500, findings: 500 });
      expect((seen as { hacked?: unknown }).hacked).toBeUndefined();
      // They are all there, to be read.
      const { lines, errors } = seen as Record<'lines' | 'errors', string[]>;
      const shown = new Set(lines);
      const missing = texts.filter((text) => !shown.has(`+${reveal(text.replaceAll('\n', ' '))}`));
      expect(missing).toEqual([]);
      expect(errors.sort()).toEqual(texts.map(reveal).sort());
    });

    it('filters, orders, and opens the item that a cell of the grid names', async () => {
      const page = await browser.open(
        writePage(
          aReport([
            anItem('/r/one', { costMicroUsd: 5 }),
            anItem('/r/two', { status: 'failed', outcome: 'failed', error: 'no luck' }),
            anItem('/r/three', { costMicroUsd: 9_000 }),
          ]),
        ).url,
      );
      const shown = `[...document.querySelectorAll('.item:not([hidden]) .name')].map((name) => name.textContent)`;

      expect(await page.evaluate(shown)).toEqual(['r/two', 'r/one', 'r/three']);
      await page.evaluate(`document.querySelector('button[data-group=succeeded]').click()`);
      expect(await page.evaluate(shown)).toEqual(['r/one', 'r/three']);
      await page.evaluate(
        `order.value = 'cost'; order.dispatchEvent(new Event('change')); choose('all')`,
      );
      expect(await page.evaluate(shown)).toEqual(['r/three', 'r/two', 'r/one']);
      await page.evaluate(`search.value = 'LUCK'; search.dispatchEvent(new Event('input'))`);
      expect(await page.evaluate(shown)).toEqual(['r/two']);
      await page.evaluate(
        `document.querySelector('.grid a[href="#i2"]').click(); new Promise((resolve) => setTimeout(resolve, 200))`,
      );
      expect(
        await page.evaluate(`document.querySelector('.item[open] .facts').innerText`),
      ).toContain('/r/three');
      expect(page.deeds.errors).toEqual([]);
    });

    it('with 5,000 items is there within seconds of processor time, and filters within one', async () => {
      const added = Array.from({ length: 40 }, (_, index) => `line ${index}`);
      const items = Array.from({ length: 5_000 }, (_, index) =>
        anItem(
          `/r/repo-${index}`,
          index % 10 === 0 ? { status: 'failed', outcome: 'failed', error: 'no' } : {},
          patch('src/index.ts', ...added),
        ),
      );
      const { url, path } = writePage(aReport(items));

      const page = await browser.open(url);
      const loaded = await page.cpuSeconds();
      const found = await page.evaluate(`search.value = 'repo-49';
        search.dispatchEvent(new Event('input'));
        document.querySelectorAll('.item:not([hidden])').length + 0 * document.body.offsetHeight`);
      const filtered = (await page.cpuSeconds()) - loaded;

      expect(found).toBe(111);
      expect(loaded).toBeLessThan(5);
      expect(filtered).toBeLessThan(1);
      expect(readFileSync(path).length).toBeLessThan(20_000_000);
    });
  },
);
