{{/* Names and labels. Every template takes its names from here. */}}

{{/* Name of the application in labels. */}}
{{- define "ado.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Base of all names: the release's name when it tells what is installed, else release and chart. */}}
{{- define "ado.fullname" -}}
{{- $name := include "ado.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name -}}
{{- end -}}
{{- end -}}

{{/*
Name of an object: `<fullname>-<suffix>`, of (list root suffix). At most 47 characters, so that the names of pods, jobs
and revisions that Kubernetes derives from it stay below 63. What is too long is cut in the middle and told apart by a hash.
*/}}
{{- define "ado.object" -}}
{{- $root := index . 0 -}}
{{- $suffix := index . 1 -}}
{{- $base := include "ado.fullname" $root -}}
{{- $room := sub 46 (len $suffix) | int -}}
{{- if gt (len $base) $room -}}
{{- $base = printf "%s-%s" (trunc (sub $room 5 | int) $base | trimSuffix "-") (sha256sum $base | trunc 4) -}}
{{- end -}}
{{- printf "%s-%s" $base $suffix -}}
{{- end -}}

{{/* Labels that select the pods of a component, of (dict root component pool). Immutable: nothing that an upgrade changes. */}}
{{- define "ado.selectorLabels" -}}
app.kubernetes.io/name: {{ include "ado.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- with .pool }}
ado.dev/pool: {{ . }}
{{- end }}
{{- end -}}

{{/* All labels of an object, of (dict root component pool version). */}}
{{- define "ado.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{ include "ado.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: {{ include "ado.name" .root }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Labels of a component's pods: none that a new version of the chart alone would change, as that would restart them all. */}}
{{- define "ado.podLabels" -}}
{{ include "ado.selectorLabels" . }}
app.kubernetes.io/part-of: {{ include "ado.name" .root }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "ado.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "ado.fullname" . | trunc 47 | trimSuffix "-") .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}
