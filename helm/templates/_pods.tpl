{{/* What all pods have in common: where they run, as whom, and how they may be extended. */}}

{{/* Address of an image, of (dict root image). A digest wins over a tag; an empty tag is the chart's appVersion. */}}
{{- define "ado.image" -}}
{{- $registry := .root.Values.global.imageRegistry -}}
{{- $name := .image.repository -}}
{{- if $registry }}{{ $name = printf "%s/%s" (trimSuffix "/" $registry) $name }}{{ end -}}
{{- if .image.digest -}}
{{- printf "%s@%s" $name .image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (default .root.Chart.AppVersion .image.tag | toString) -}}
{{- end -}}
{{- end -}}

{{/* Security of a container: Pod Security Standard "restricted", and a root file system that cannot be written. Of (dict root settings). */}}
{{- define "ado.securityContext" -}}
{{- $standard := dict "allowPrivilegeEscalation" false "readOnlyRootFilesystem" true "capabilities" (dict "drop" (list "ALL")) -}}
{{- toYaml (mergeOverwrite $standard (deepCopy .root.Values.global.securityContext) (deepCopy (default dict .settings.securityContext))) -}}
{{- end -}}

{{/*
Begin of a pod's spec, of (dict root settings uid labels): identity, security, scheduling. `labels` select the pods to spread;
without them nothing is spread.
*/}}
{{- define "ado.podSpec" -}}
{{- $root := .root -}}
{{- $settings := .settings -}}
{{- $identity := dict "runAsNonRoot" true "runAsUser" .uid "runAsGroup" .uid "fsGroup" .uid "fsGroupChangePolicy" "OnRootMismatch" "seccompProfile" (dict "type" "RuntimeDefault") -}}
serviceAccountName: {{ default (include "ado.serviceAccountName" $root) .serviceAccount }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- toYaml (mergeOverwrite $identity (deepCopy $root.Values.global.podSecurityContext) (deepCopy (default dict $settings.podSecurityContext))) | nindent 2 }}
{{- with $root.Values.global.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with default $root.Values.global.priorityClassName $settings.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with default $root.Values.global.nodeSelector $settings.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with default $root.Values.global.tolerations $settings.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $settings.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if .labels }}
topologySpreadConstraints:
{{- if $settings.topologySpreadConstraints }}
  {{- toYaml $settings.topologySpreadConstraints | nindent 2 }}
{{- else }}
  {{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- $.labels | nindent 8 }}
    {{- if $.perRevision }}
    matchLabelKeys: [pod-template-hash]
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Probe of an HTTP path, of (dict path port …timings). */}}
{{- define "ado.httpProbe" -}}
httpGet:
  path: {{ .path }}
  port: {{ .port }}
periodSeconds: {{ .period }}
timeoutSeconds: {{ .timeout }}
failureThreshold: {{ .failures }}
{{- end -}}
