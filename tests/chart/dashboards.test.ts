// Dashboards, as Grafana reads them.
//   - every query is PromQL over metrics and labels that exist, and keeps to the installation that was chosen
//   - every panel says what is seen, in which unit
//   - panels stand side by side, none over another
// That the files are as the code prints them is held by tests/architecture/documents.test.ts.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { recordedRules } from './alert-rules.ts';
import { findUnknown, read, scrapeProcessMetrics } from './known-metrics.ts';

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: { readonly uid: string };
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly fieldConfig?: { readonly defaults: { readonly unit: string } };
  readonly targets?: readonly {
    readonly refId: string;
    readonly expr: string;
    readonly legendFormat: string;
    readonly datasource: { readonly uid: string };
  }[];
}

interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string }[];
  };
}

const folder = join(import.meta.dirname, '../../helm/files/dashboards');
const dashboards = readdirSync(folder).map(
  (name) => [name, JSON.parse(readFileSync(join(folder, name), 'utf8')) as Dashboard] as const,
);
const shownPanels = ({ panels }: Dashboard) => panels.filter(({ type }) => type !== 'row');
const queries = dashboards.flatMap(([file, dashboard]) =>
  shownPanels(dashboard).flatMap(({ title, targets = [] }) =>
    targets.map(({ expr, legendFormat }) => ({ where: `${file}: ${title}`, expr, legendFormat })),
  ),
);
/** With Grafana's variables filled in. */
const filledIn = (expr: string) => expr.replaceAll('$__rate_interval', '2m');

beforeAll(scrapeProcessMetrics);

test('there are six, each with a name of its own', () => {
  expect(dashboards).toHaveLength(6);
  expect(new Set(dashboards.map(([, { uid }]) => uid)).size).toBe(6);
  expect(new Set(dashboards.map(([, { title }]) => title)).size).toBe(6);
});

test.each(queries)('$where reads what exists: $expr', ({ expr, legendFormat }) => {
  expect(findUnknown(filledIn(expr), recordedRules)).toEqual([]);
  const { labels } = read(filledIn(expr));
  const named = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name);
  // Recorded series and plain selectors keep all of their labels.
  const isGrouped = /\bby \(/.test(expr);
  expect(isGrouped ? named.filter((name) => !labels.includes(name ?? '')) : []).toEqual([]);
});

test.each(queries)('$where keeps to the namespace: $expr', ({ expr }) => {
  const { metrics } = read(filledIn(expr));

  expect(expr.split('namespace=~"$namespace"')).toHaveLength(metrics.length + 1);
});

test('rates fit the zoom; only sums over a time that is named have one of their own', () => {
  const fixed = queries.filter(({ expr }) => /\brate\([^[]*\[\d/.test(expr));

  expect(fixed).toEqual([]);
});

describe.each(dashboards)('%s', (_file, dashboard) => {
  test('lets its reader choose Prometheus and installation', () => {
    const variables = dashboard.templating.list.map(({ name, type }) => `${name}: ${type}`);

    expect(variables).toEqual(['datasource: datasource', 'namespace: query']);
  });

  test('every panel has a title, an explanation, a unit and a source', () => {
    for (const panel of shownPanels(dashboard)) {
      expect(panel.title).toMatch(/^\S.+/);
      expect([panel.title, panel.description ?? '']).toEqual([
        panel.title,
        expect.stringMatching(/.{12}/),
      ]);
      expect(panel.fieldConfig?.defaults.unit).toMatch(/^\w+$/);
      const sources = [
        panel.datasource,
        ...(panel.targets ?? []).map(({ datasource }) => datasource),
      ];
      expect(new Set(sources.map((source) => source?.uid))).toEqual(new Set(['$datasource']));
      expect(new Set(panel.targets?.map(({ refId }) => refId)).size).toBe(panel.targets?.length);
    }
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('no panel covers another, and none leaves the grid', () => {
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)}/${y + Math.floor(cell / w)}`),
    );

    expect(new Set(cells).size).toBe(cells.length);
    for (const { gridPos } of dashboard.panels)
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
  });
});
