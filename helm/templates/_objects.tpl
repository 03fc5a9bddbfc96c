{{/* Objects that several components have. */}}

{{/*
Headless Service `<component>-metrics` of the pods of a component, of (dict root component ports): every pod is an address of
its own, whether ready or not, so that each is measured.
*/}}
{{- define "ado.metricsService" }}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "ado.object" (list .root (printf "%s-metrics" .component)) }}
  labels:
    {{- include "ado.labels" . | nindent 4 }}
    ado.dev/metrics: 'true'
spec:
  clusterIP: None
  publishNotReadyAddresses: true
  selector:
    {{- include "ado.selectorLabels" . | nindent 4 }}
  ports:
    {{- range $name, $port := .ports }}
    - { name: {{ $name }}, port: {{ $port }}, targetPort: {{ $name }} }
    {{- end }}
{{- end -}}

{{/*
PodDisruptionBudget, of (dict root component pool name budget). It may have one of its two keys only: minAvailable goes before
maxUnavailable, which is the default. Pods that are broken anyway do not hold up a drain.
*/}}
{{- define "ado.pdb" }}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ .name }}
  labels:
    {{- include "ado.labels" . | nindent 4 }}
spec:
  {{- toYaml (ternary (pick .budget "minAvailable") .budget (hasKey .budget "minAvailable")) | nindent 2 }}
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "ado.selectorLabels" . | nindent 6 }}
{{- end -}}

{{/* Volume `data` of a StatefulSet, of its `persistence`. It outlives the release. */}}
{{- define "ado.volumeClaim" -}}
{{- if .enabled -}}
persistentVolumeClaimRetentionPolicy: { whenDeleted: Retain, whenScaled: Retain }
volumeClaimTemplates:
  - metadata:
      name: data
    spec:
      accessModes: [ReadWriteOnce]
      {{- with .storageClass }}
      storageClassName: {{ . }}
      {{- end }}
      resources:
        requests: { storage: {{ .size }} }
{{- end -}}
{{- end -}}
