{{/*
A Job that runs once for each revision of the release, of what "ado.jobPod" takes, and hook: the points at which Helm runs it,
before everything else, as it can only where the database is there before the release. A Job cannot be changed, so its name tells
the revision.
*/}}
{{- define "ado.job" }}
{{- $root := .root }}
{{- $settings := $root.Values.jobs }}
{{- $labels := dict "root" $root "component" .component }}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ include "ado.object" (list $root (ternary .component (printf "%s-%d" .component (int $root.Release.Revision)) (not (empty .hook)))) }}
  labels:
    {{- include "ado.labels" $labels | nindent 4 }}
  {{- if .hook }}
  annotations:
    helm.sh/hook: {{ .hook }}
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
  {{- end }}
spec:
  backoffLimit: {{ $settings.backoffLimit }}
  activeDeadlineSeconds: {{ $settings.activeDeadlineSeconds }}
  ttlSecondsAfterFinished: {{ $settings.ttlSecondsAfterFinished }}
  template:
    metadata:
      labels:
        {{- include "ado.podLabels" $labels | nindent 8 }}
        {{- with $settings.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with $settings.podAnnotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      {{- include "ado.jobPod" . | nindent 6 }}
      restartPolicy: OnFailure
{{- end -}}

{{/*
Spec of a pod that ends, of (dict root component image pullPolicy command args env), and: awaits: [postgresql], what has to answer
first; process: whether it runs a program of ado, with its folders and settings; hook: as above.
*/}}
{{- define "ado.jobPod" -}}
{{- $root := .root }}
{{- $settings := $root.Values.jobs }}
{{- $podSpec := dict "root" $root "settings" $settings "uid" 10001 }}
{{- if .hook }}{{ $_ := set $podSpec "serviceAccount" "default" }}{{ end }}
{{- $awaitsPostgresql := has "postgresql" .awaits }}
{{- include "ado.podSpec" $podSpec }}
{{- if or $awaitsPostgresql $settings.initContainers }}
initContainers:
  {{- if $awaitsPostgresql }}
  - name: await-postgresql
    image: {{ include "ado.image" (dict "root" $root "image" $root.Values.postgresql.image) }}
    imagePullPolicy: {{ $root.Values.postgresql.image.pullPolicy }}
    command: [sh, -euc]
    args: ['until pg_isready; do sleep 1; done']
    env:
      {{- include "ado.libpqEnv" (dict "root" $root "role" "ado") | nindent 6 }}
    securityContext:
      {{- include "ado.securityContext" (dict "root" $root "settings" $settings) | nindent 6 }}
    resources:
      {{- toYaml $settings.resources | nindent 6 }}
    {{- with include "ado.postgresqlCaMount" $root }}
    volumeMounts:
      {{- . | nindent 6 }}
    {{- end }}
  {{- end }}
  {{- with $settings.initContainers }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
containers:
  - name: {{ .component }}
    image: {{ .image }}
    imagePullPolicy: {{ .pullPolicy }}
    {{- with .command }}
    command: {{ toJson . }}
    {{- end }}
    args:
      {{- toYaml .args | nindent 6 }}
    env:
      {{- .env | nindent 6 }}
      {{- with $settings.extraEnv }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
    {{- if .process }}
    envFrom:
      {{- include "ado.processEnvFrom" (dict "root" $root "settings" $settings) | nindent 6 }}
    {{- else }}
    {{- with $settings.extraEnvFrom }}
    envFrom:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- end }}
    securityContext:
      {{- include "ado.securityContext" (dict "root" $root "settings" $settings) | nindent 6 }}
    resources:
      {{- toYaml $settings.resources | nindent 6 }}
    volumeMounts:
      {{- if .process }}
      {{- include "ado.processMounts" (dict "root" $root "settings" $settings) | nindent 6 }}
      {{- else }}
      - { name: tmp, mountPath: /tmp }
      {{- if $awaitsPostgresql }}{{ include "ado.postgresqlCaMount" $root | nindent 6 }}{{ end }}
      {{- with $settings.extraVolumeMounts }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
      {{- end }}
  {{- with $settings.extraContainers }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
volumes:
  {{- if .process }}
  {{- include "ado.processVolumes" (dict "root" $root "settings" $settings "dataLimit" "1Gi") | nindent 2 }}
  {{- else }}
  - name: tmp
    emptyDir: {}
  {{- if $awaitsPostgresql }}{{ include "ado.postgresqlCaVolume" $root | nindent 2 }}{{ end }}
  {{- with $settings.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- end }}
{{- end -}}
