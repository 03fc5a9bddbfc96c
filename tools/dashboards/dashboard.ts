/**
 * Grafana dashboards, as values: what a panel shows, in which unit, and what it means to the person who looks. Where
 * panels stand follows from their rows. `npm run docs` writes the JSON.
 */

/** One panel. */
export interface Panel {
  readonly title: string;
  /** What is seen, and when it is bad. */
  readonly description: string;
  /** A unit of Grafana: `s`, `percentunit`, `currencyUSD`, `ops`, `bytes`, `short`. */
  readonly unit: string;
  /** PromQL, each with its legend. */
  readonly queries: readonly (readonly [expression: string, legend: string])[];
  /** `stat` shows the last value large. Default: a graph over time. */
  readonly kind?: 'stat' | 'heatmap';
  /** Stacked areas, for parts of a whole. */
  readonly stacked?: true;
  /** From here on it is yellow, and red. */
  readonly thresholds?: readonly [warning: number, bad: number];
}

/** A dashboard: rows of panels under headings. */
export interface Dashboard {
  /** Name of the file, and the end of the dashboard's id. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly rows: readonly { readonly title: string; readonly panels: readonly Panel[] }[];
}

/** Quantiles of a histogram over the window that fits the zoom, with a legend each. */
export function quantiles(
  metric: string,
  { by = [], where = '', shares = [0.5, 0.95] }: QuantileOptions = {},
): Panel['queries'] {
  const labels = ['le', ...by].join(', ');
  return shares.map((share) => [
    `histogram_quantile(${share}, sum by (${labels}) (rate(${metric}_bucket{${inNamespace}${where}}[$__rate_interval])))`,
    [`p${share * 100}`, ...by.map((label) => `{{${label}}}`)].join(' '),
  ]);
}

interface QuantileOptions {
  readonly by?: readonly string[];
  /** Further matchers, beginning with a comma. */
  readonly where?: string;
  readonly shares?: readonly number[];
}

/** What keeps every query to the installations chosen above. */
export const inNamespace = 'namespace=~"$namespace"';

const rowHeight = 8;
const statHeight = 4;
const width = 24;

/** The dashboard as Grafana reads it. */
export function toGrafana(dashboard: Dashboard): object {
  let y = 0;
  let id = 0;
  const panels = dashboard.rows.flatMap((row) => {
    const heading = {
      id: (id += 1),
      type: 'row',
      title: row.title,
      collapsed: false,
      gridPos: { h: 1, w: width, x: 0, y },
      panels: [],
    };
    y += 1;
    const h = row.panels.every(({ kind }) => kind === 'stat') ? statHeight : rowHeight;
    const w = Math.floor(width / row.panels.length);
    const shown = row.panels.map((panel, place) => ({
      id: (id += 1),
      gridPos: { h, w, x: place * w, y },
      ...toPanel(panel),
    }));
    y += h;
    return [heading, ...shown];
  });
  return {
    uid: `ado-${dashboard.name}`,
    title: `ado / ${dashboard.title}`,
    description: dashboard.description,
    tags: ['ado'],
    editable: true,
    schemaVersion: 39,
    timezone: 'browser',
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    graphTooltip: 1,
    links: [
      { type: 'dashboards', tags: ['ado'], title: 'ado', asDropdown: true, icon: 'dashboard' },
    ],
    templating: { list: [datasourceVariable, namespaceVariable] },
    annotations: { list: [deployments] },
    panels,
  };
}

const datasource = { type: 'prometheus', uid: '$datasource' };

const datasourceVariable = {
  name: 'datasource',
  label: 'Prometheus',
  type: 'datasource',
  query: 'prometheus',
  current: {},
};

const namespaceVariable = {
  name: 'namespace',
  label: 'Namespace',
  type: 'query',
  datasource,
  query: { query: 'label_values(up{job="ado-api"}, namespace)', refId: 'namespace' },
  refresh: 2,
  multi: true,
  includeAll: true,
  current: {},
};

/** A line where a process began: releases, and restarts that nobody wanted. */
const deployments = {
  name: 'Starts',
  datasource,
  enable: true,
  iconColor: 'blue',
  expr: `changes(process_start_time_seconds{job=~"ado-api|ado-worker",${inNamespace}}[2m]) > 0`,
  titleFormat: '{{job}} {{pod}} started',
  step: '60s',
};

function toPanel(panel: Panel): object {
  const { title, description, unit, kind = 'timeseries', thresholds } = panel;
  const steps = [
    { color: 'green', value: null },
    ...(thresholds === undefined
      ? []
      : [
          { color: 'yellow', value: thresholds[0] },
          { color: 'red', value: thresholds[1] },
        ]),
  ];
  const isGraph = kind === 'timeseries';
  return {
    type: kind,
    title,
    description,
    datasource,
    targets: panel.queries.map(([expr, legendFormat], place) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + place),
      datasource,
      expr,
      legendFormat,
      ...(kind === 'stat' ? { instant: true } : {}),
      ...(kind === 'heatmap' ? { format: 'heatmap' } : {}),
    })),
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        noValue: '–',
        thresholds: { mode: 'absolute', steps },
        ...(isGraph ? { custom: graphStyle(panel) } : {}),
      },
      overrides: [],
    },
    options: optionsOf(kind),
  };
}

function graphStyle({ stacked, thresholds }: Panel): object {
  return {
    drawStyle: 'line',
    lineWidth: 1,
    fillOpacity: stacked ? 40 : 10,
    showPoints: 'never',
    spanNulls: false,
    stacking: { mode: stacked ? 'normal' : 'none' },
    thresholdsStyle: { mode: thresholds === undefined ? 'off' : 'line' },
  };
}

function optionsOf(kind: 'timeseries' | 'stat' | 'heatmap'): object {
  switch (kind) {
    case 'timeseries':
      return {
        legend: { displayMode: 'table', placement: 'bottom', calcs: ['lastNotNull', 'max'] },
        tooltip: { mode: 'multi', sort: 'desc' },
      };
    case 'stat':
      return { reduceOptions: { calcs: ['lastNotNull'] }, colorMode: 'value', graphMode: 'none' };
    case 'heatmap':
      return { calculate: false, yAxis: { unit: 's' } };
  }
}
