{{/*
A Job that runs once for each revision of the release, of (dict root component image pullPolicy command args env), and:
awaits: [postgresql], what has to answer first; process: whether it runs a program of ado, with its folders and settings; hook:
whether Helm runs it before everything else, which it can only where the database is there before the release.
A Job cannot be changed, so its name tells the revision.
*/}}
{{- define "ado.job" }}
{{- $root := .root }}
{{- $settings := $root.Values.jobs }}
{{- $labels := dict "root" $root "component" .component }}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ include "ado.object" (list $root (ternary .component (printf "%s-%d" .component (int $root.Release.Revision)) (default false .hook))) }}
  labels:
    {{- include "ado.labels" $labels | nindent 4 }}
  {{- if .hook }}
  annotations:
    helm.sh/hook: pre-install,pre-upgrade
    helm.sh/hook-delete-policy: before-hook-creation
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
      {{- $podSpec := dict "root" $root "settings" $settings "uid" 10001 }}
      {{- if .hook }}{{ $_ := set $podSpec "serviceAccount" "default" }}{{ end }}
      {{- include "ado.podSpec" $podSpec | nindent 6 }}
      restartPolicy: OnFailure
      {{- if has "postgresql" .awaits }}
      initContainers:
        - name: await-postgresql
          image: {{ include "ado.image" (dict "root" $root "image" $root.Values.postgresql.image) }}
          imagePullPolicy: {{ $root.Values.postgresql.image.pullPolicy }}
          command: [sh, -euc]
          args: ['until pg_isready; do sleep 1; done']
          env:
            {{- include "ado.libpqEnv" (dict "root" $root "role" "ado") | nindent 12 }}
          securityContext:
            {{- include "ado.securityContext" (dict "root" $root "settings" $settings) | nindent 12 }}
          resources:
            {{- toYaml $settings.resources | nindent 12 }}
          {{- with include "ado.postgresqlCaMount" $root }}
          volumeMounts:
            {{- . | nindent 12 }}
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
            {{- toYaml .args | nindent 12 }}
          env:
            {{- .env | nindent 12 }}
            {{- with $settings.extraEnv }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          {{- if .process }}
          envFrom:
            {{- include "ado.processEnvFrom" (dict "root" $root "settings" $settings) | nindent 12 }}
          {{- end }}
          securityContext:
            {{- include "ado.securityContext" (dict "root" $root "settings" $settings) | nindent 12 }}
          resources:
            {{- toYaml $settings.resources | nindent 12 }}
          volumeMounts:
            {{- if .process }}
            {{- include "ado.processMounts" (dict "root" $root "settings" $settings) | nindent 12 }}
            {{- else }}
            - { name: tmp, mountPath: /tmp }
            {{- include "ado.postgresqlCaMount" $root | nindent 12 }}
            {{- end }}
      volumes:
        {{- if .process }}
        {{- include "ado.processVolumes" (dict "root" $root "settings" $settings "dataLimit" "1Gi") | nindent 8 }}
        {{- else }}
        - name: tmp
          emptyDir: {}
        {{- include "ado.postgresqlCaVolume" $root | nindent 8 }}
        {{- end }}
{{- end -}}
