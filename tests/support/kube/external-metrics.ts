/** Serves external metrics to autoscalers as an adapter in the cluster would, from what a test says. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { loopback } from '../../../cli/dev/ports.ts';
import type { ControlPlane } from './control-plane.ts';

/** One question of an autoscaler. */
export interface MetricQuestion {
  readonly namespace: string;
  readonly metric: string;
  /** From its label selector, such as `{pool: 'agents'}`. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Answers a metric's value; undefined when there is none. */
export type MetricSource = (question: MetricQuestion) => Promise<number | undefined>;

/** A running server of metrics. */
export interface ExternalMetrics {
  readonly close: () => Promise<void>;
}

const group = 'external.metrics.k8s.io/v1beta1';

/** Starts it and makes it known to the API server. */
export async function startExternalMetrics(
  { api, certificate }: ControlPlane,
  source: MetricSource,
): Promise<ExternalMetrics> {
  const tls = { cert: readFileSync(certificate.certificate), key: readFileSync(certificate.key) };
  const server = createServer(tls, (request, response) => {
    void answer(request.url ?? '', source).then((found) => {
      response.statusCode = found === undefined ? 404 : 200;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(found ?? { kind: 'Status', apiVersion: 'v1', code: 404 }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, loopback, resolve));
  const { port } = server.address() as AddressInfo;

  // By name: a cluster IP would need a proxy, and endpoints may not be on the loopback address.
  await api.create('/api/v1/namespaces/kube-system/services', {
    metadata: { name: 'external-metrics' },
    spec: { type: 'ExternalName', externalName: 'localhost', ports: [{ port }] },
  });
  await api.create('/apis/apiregistration.k8s.io/v1/apiservices', {
    metadata: { name: 'v1beta1.external.metrics.k8s.io' },
    spec: {
      group: 'external.metrics.k8s.io',
      version: 'v1beta1',
      service: { namespace: 'kube-system', name: 'external-metrics', port },
      insecureSkipTLSVerify: true,
      groupPriorityMinimum: 100,
      versionPriority: 100,
    },
  });
  while (!(await api.isOk(`/apis/${group}`))) await delay(50);
  return {
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(url: string, source: MetricSource): Promise<object | undefined> {
  const { pathname, searchParams } = new URL(url, 'https://localhost');
  if (pathname === `/apis/${group}`)
    return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: group, resources: [] };
  const path = /^\/apis\/external\.metrics\.k8s\.io\/v1beta1\/namespaces\/([^/]+)\/([^/]+)$/;
  const [, namespace, metric] = path.exec(pathname) ?? [];
  if (namespace === undefined || metric === undefined) return undefined;
  const selector = searchParams.get('labelSelector') ?? '';
  const pairs = selector.split(',').filter((pair) => pair !== '');
  const labels = Object.fromEntries(pairs.map((pair) => pair.split('=') as [string, string]));
  const value = await source({ namespace, metric, labels });
  if (value === undefined) return undefined;
  const item = {
    metricName: metric,
    metricLabels: labels,
    timestamp: new Date().toISOString(),
    value: `${String(Math.round(value * 1_000))}m`,
  };
  const kind = { kind: 'ExternalMetricValueList', apiVersion: group };
  return { ...kind, metadata: {}, items: [item] };
}
