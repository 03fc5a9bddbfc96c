{{/* What the processes of ado have in common: variables, folders, settings. */}}

{{/* Variables of API, workers and jobs, of (dict root poolSize), as items of `env`. */}}
{{- define "ado.processEnv" -}}
{{- $root := .root -}}
{{- $postgresql := include "ado.postgresql" $root | fromYaml -}}
- { name: NODE_ENV, value: production }
- { name: HOME, value: /home/ado }
- { name: ADO_HOME, value: /var/lib/ado }
- name: PGPASSWORD
  valueFrom: { secretKeyRef: { name: {{ $postgresql.ado.secret }}, key: {{ $postgresql.ado.key }} } }
- { name: DATABASE_URL, value: {{ include "ado.databaseUrl" $root | quote }} }
- { name: DATABASE_POOL_SIZE, value: {{ .poolSize | quote }} }
{{ include "ado.redisEnv" $root }}
- { name: TEMPORAL_ADDRESS, value: {{ include "ado.temporalAddress" $root | quote }} }
- { name: TEMPORAL_NAMESPACE, value: {{ $root.Values.temporal.namespace | quote }} }
- { name: ADO_METRICS_HOST, value: 0.0.0.0 }
- { name: ADO_METRICS_PORT, value: '9090' }
{{- if $root.Values.providers.accounts }}
- { name: ADO_PROVIDERS_FILE, value: /etc/ado/providers/providers.yaml }
{{- end }}
{{- with $root.Values.tracing.endpoint }}
- { name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ . | quote }} }
- { name: OTEL_TRACES_SAMPLER_ARG, value: {{ $root.Values.tracing.ratio | quote }} }
{{- end }}
{{- end -}}

{{/* Settings that are the same for all processes, as items of `envFrom`. */}}
{{- define "ado.processEnvFrom" -}}
- configMapRef: { name: {{ include "ado.object" (list .root "config") }} }
{{- with .settings.extraEnvFrom }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Folders that processes of ado write to or read their settings from, of (dict root settings), as items of `volumeMounts`. */}}
{{- define "ado.processMounts" -}}
- { name: tmp, mountPath: /tmp }
- { name: home, mountPath: /home/ado }
- { name: data, mountPath: /var/lib/ado }
{{- if .root.Values.providers.accounts }}
- { name: providers, mountPath: /etc/ado/providers, readOnly: true }
{{- end }}
{{- include "ado.postgresqlCaMount" .root }}
{{- with .settings.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The volumes of those folders, of (dict root settings dataLimit), as items of `volumes`. */}}
{{- define "ado.processVolumes" -}}
- name: tmp
  emptyDir: {}
- name: home
  emptyDir: {}
- name: data
  emptyDir:
    sizeLimit: {{ .dataLimit }}
{{- if .root.Values.providers.accounts }}
- name: providers
  configMap:
    name: {{ include "ado.object" (list .root "providers") }}
{{- end }}
{{- include "ado.postgresqlCaVolume" .root }}
{{- with .settings.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Annotations that roll the pods when what they read at start changes, of (dict root settings). */}}
{{- define "ado.processAnnotations" -}}
checksum/config: {{ list .root.Values.config .root.Values.providers.accounts | toJson | sha256sum }}
{{- if .root.Values.secrets.generate }}
checksum/secrets: {{ include "ado.generatedSecrets" .root | sha256sum }}
{{- end }}
{{- with .settings.podAnnotations }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/*
Replicas of a Deployment, of (dict root name settings). The autoscaler owns the number of an autoscaled one: what is live is
rendered on every upgrade, as neither a fixed number (a conflict) nor none at all (it falls to 1) leaves it alone. A live 0 was
set here, and would stop an autoscaler for good, unless it is one that goes to 0 by itself. A new Deployment starts at the
minimum: its autoscaler would else raise it from 1 in its first seconds, and an upgrade that looked before and writes after
that ends in a conflict, or takes the workers away again where nobody owns the number yet. `helm template` sees no Deployments,
not even an empty list of them; the field is left out there.
*/}}
{{- define "ado.replicas" -}}
{{- $autoscaling := .settings.autoscaling -}}
{{- if .root.Values.suspended -}}
replicas: 0
{{- else if eq $autoscaling.mode "none" -}}
replicas: {{ int .settings.replicas }}
{{- else -}}
{{- $live := lookup "apps/v1" "Deployment" .root.Release.Namespace .name -}}
{{- if and $live (hasKey $live.spec "replicas") -}}
replicas: {{ ternary $autoscaling.min $live.spec.replicas (eq (int $live.spec.replicas) 0) | int }}
{{- else if lookup "apps/v1" "Deployment" .root.Release.Namespace "" -}}
replicas: {{ max 1 $autoscaling.min }}
{{- end }}
{{- end -}}
{{- end -}}
