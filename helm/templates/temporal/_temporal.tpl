{{/* Roles of Temporal that run as Deployments, of root, as YAML: {role: {ports, settings}}. `all` is the four in one process. */}}
{{- define "ado.temporalRoles" -}}
{{- $all := dict "frontend" 7233 "history" 7234 "matching" 7235 "worker" 7239 -}}
{{- $roles := dict -}}
{{- if eq .Values.temporal.mode "single" -}}
{{- $_ := set $roles "all" (dict "name" "temporal" "rpc" $all "settings" .Values.temporal.server) -}}
{{- else -}}
{{- range $role, $port := $all -}}
{{- $settings := mergeOverwrite (deepCopy $.Values.temporal.server) (deepCopy (index $.Values.temporal.roles $role)) -}}
{{- $_ := set $roles $role (dict "name" (printf "temporal-%s" $role) "rpc" (dict $role $port) "settings" $settings) -}}
{{- end -}}
{{- end -}}
{{- toYaml $roles -}}
{{- end -}}

{{/* Variables of temporal-sql-tool, as items of `env`. */}}
{{- define "ado.sqlToolEnv" -}}
{{- $postgresql := include "ado.postgresql" . | fromYaml -}}
{{- $temporal := $postgresql.temporal -}}
- { name: SQL_PLUGIN, value: postgres12_pgx }
- { name: SQL_HOST, value: {{ $postgresql.host | quote }} }
- { name: SQL_PORT, value: {{ $postgresql.port | quote }} }
- { name: SQL_USER, value: {{ $temporal.user | quote }} }
- name: SQL_PASSWORD
  valueFrom: { secretKeyRef: { name: {{ $temporal.secret }}, key: {{ $temporal.key }} } }
{{- if $postgresql.tls.enabled }}
- { name: SQL_TLS, value: 'true' }
- { name: SQL_TLS_SERVER_NAME, value: {{ $postgresql.host | quote }} }
{{- if not $postgresql.tls.verify }}
- { name: SQL_TLS_DISABLE_HOST_VERIFICATION, value: 'true' }
{{- end }}
{{- if $postgresql.tls.caSecret }}
- { name: SQL_TLS_CA_FILE, value: {{ include "ado.postgresqlCaFolder" . }}/ca.crt }
{{- end }}
{{- end }}
{{- end -}}

{{/* Configuration of the server. Its first line makes the server fill in the password and the pod's address. */}}
{{- define "ado.temporalConfig" -}}
{{- $temporal := .Values.temporal }}
{{- $postgresql := include "ado.postgresql" . | fromYaml }}
{{- $role := $postgresql.temporal }}
{{- $tls := dict "enabled" false }}
{{- if $postgresql.tls.enabled }}
{{- $tls = dict "enabled" true "enableHostVerification" $postgresql.tls.verify "serverName" $postgresql.host }}
{{- if $postgresql.tls.caSecret -}}{{- $_ := set $tls "caFile" (printf "%s/ca.crt" (include "ado.postgresqlCaFolder" .)) -}}{{- end }}
{{- end -}}
# enable-template
log: { stdout: true, level: {{ $temporal.logLevel }} }
persistence:
  defaultStore: default
  visibilityStore: visibility
  numHistoryShards: {{ $temporal.numHistoryShards }}
  datastores:
    {{- range $store, $pool := dict "default" (dict "database" $role.database "size" $temporal.connections) "visibility" (dict "database" $role.visibility "size" $temporal.visibilityConnections) }}
    {{ $store }}:
      sql:
        pluginName: postgres12_pgx
        databaseName: {{ $pool.database | quote }}
        connectAddr: {{ printf "%s:%d" $postgresql.host (int $postgresql.port) | quote }}
        connectProtocol: tcp
        user: {{ $role.user | quote }}
        password: {{ `{{ env "TEMPORAL_DB_PASSWORD" | quote }}` }}
        maxConns: {{ $pool.size }}
        maxIdleConns: {{ $pool.size }}
        maxConnLifetime: 1h
        tls: {{ toJson $tls }}
    {{- end }}
global:
  membership:
    maxJoinDuration: 30s
    broadcastAddress: {{ `{{ env "POD_IP" | quote }}` }}
  metrics:
    prometheus: { timerType: histogram, listenAddress: '0.0.0.0:9090' }
services:
  frontend: { rpc: { grpcPort: 7233, membershipPort: 6933, bindOnIP: 0.0.0.0, httpPort: 7243 } }
  history: { rpc: { grpcPort: 7234, membershipPort: 6934, bindOnIP: 0.0.0.0 } }
  matching: { rpc: { grpcPort: 7235, membershipPort: 6935, bindOnIP: 0.0.0.0 } }
  worker: { rpc: { grpcPort: 7239, membershipPort: 6939, bindOnIP: 0.0.0.0 } }
clusterMetadata:
  enableGlobalNamespace: false
  failoverVersionIncrement: 10
  masterClusterName: active
  currentClusterName: active
  clusterInformation:
    active: { enabled: true, initialFailoverVersion: 1, rpcName: frontend, rpcAddress: '127.0.0.1:7233' }
dcRedirectionPolicy: { policy: noop }
publicClient:
  hostPort: {{ ternary "127.0.0.1:7233" (include "ado.temporalAddress" .) (eq $temporal.mode "single") | quote }}
dynamicConfigClient: { filepath: /etc/temporal/dynamic/dynamic.yaml, pollInterval: 10s }
{{- end -}}
