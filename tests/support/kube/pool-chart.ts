/**
 * The smallest chart with a Deployment that may have an autoscaler, and with each of the ways to render its number of
 * replicas: to see what Helm and Kubernetes make of them, and so why the chart of ado does what it does.
 */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Values of the chart. */
export interface PoolValues {
  /** What is rendered: the number `replicas`, the live one (nothing where there is none), or nothing. */
  readonly render: 'fixed' | 'live' | 'nothing';
  readonly replicas?: number;
  /** Upper bound of the autoscaler, whose lower one is 1; without one there is no autoscaler. */
  readonly max?: number;
  readonly image?: string;
}

/** How the autoscaler of the chart divides the metric `backlog`: ten for each replica. */
export const queuedPerReplica = 10;

const template = `
{{- $live := lookup "apps/v1" "Deployment" .Release.Namespace "pool" }}
apiVersion: apps/v1
kind: Deployment
metadata: { name: pool }
spec:
  {{- if eq .Values.render "fixed" }}
  replicas: {{ .Values.replicas }}
  {{- else if and (eq .Values.render "live") $live }}
  replicas: {{ $live.spec.replicas }}
  {{- end }}
  selector: { matchLabels: { app: pool } }
  template:
    metadata: { labels: { app: pool } }
    spec:
      containers:
        - name: worker
          image: {{ .Values.image | default "worker:1" }}
          securityContext:
            runAsNonRoot: true
            allowPrivilegeEscalation: false
            capabilities: { drop: [ALL] }
            seccompProfile: { type: RuntimeDefault }
{{- with .Values.max }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: pool }
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: pool }
  minReplicas: 1
  maxReplicas: {{ . }}
  behavior:
    scaleUp:
      stabilizationWindowSeconds: 0
      policies: [{ type: Pods, value: 100, periodSeconds: 1 }]
    scaleDown:
      stabilizationWindowSeconds: 0
      policies: [{ type: Pods, value: 100, periodSeconds: 1 }]
  metrics:
    - type: External
      external:
        metric: { name: backlog }
        target: { type: AverageValue, averageValue: '${String(queuedPerReplica)}' }
{{- end }}
`;

/** Writes the chart and answers its folder. */
export function createPoolChart(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ado-test-pool-chart-'));
  mkdirSync(join(folder, 'templates'));
  const about = { apiVersion: 'v2', name: 'pool', version: '0.0.0' };
  writeFileSync(join(folder, 'Chart.yaml'), JSON.stringify(about));
  writeFileSync(join(folder, 'values.yaml'), '{}');
  writeFileSync(join(folder, 'templates', 'pool.yaml'), template);
  return folder;
}
