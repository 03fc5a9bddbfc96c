{{/* Where PostgreSQL, Redis and Temporal are, whichever way they are run. */}}

{{/* Name of the Secret with the platform's passwords. */}}
{{- define "ado.secretName" -}}
{{- default (include "ado.object" (list . "secrets")) .Values.secrets.existingSecret -}}
{{- end -}}

{{/*
PostgreSQL as YAML: host, port, tls {enabled verify secret key}, and for the roles `ado`, `temporal` and `backup` each user, database, secret, key.
A CloudNativePG cluster makes one owner for all databases and its Secret by itself.
*/}}
{{- define "ado.postgresql" -}}
{{- $values := .Values.postgresql -}}
{{- $keys := .Values.secrets.keys -}}
{{- $secret := default (include "ado.secretName" .) $values.auth.existingSecret -}}
{{- $ado := dict "user" $values.auth.user "database" $values.databases.ado "secret" $secret "key" $keys.postgresqlPassword -}}
{{- $temporal := dict "user" $values.auth.temporalUser "database" $values.databases.temporal "visibility" $values.databases.visibility "secret" $secret "key" $keys.temporalPassword -}}
{{- $backup := dict "user" $values.backup.user "database" "postgres" "secret" $secret "key" $keys.backupPassword -}}
{{- $tls := dict "enabled" false -}}
{{- $host := include "ado.object" (list . "postgresql") -}}
{{- $port := 5432 -}}
{{- if eq $values.mode "external" -}}
{{- $host = $values.external.host -}}
{{- $port = int $values.external.port -}}
{{- $tls = $values.external.tls -}}
{{- else if eq $values.mode "cnpg" -}}
{{- $app := dict "secret" (printf "%s-app" $host) "key" "password" "user" $values.auth.user -}}
{{- $_ := mergeOverwrite $ado $app -}}
{{- $_ := mergeOverwrite $temporal $app -}}
{{- $host = printf "%s-rw" $host -}}
{{- end -}}
{{- toYaml (dict "host" $host "port" $port "tls" $tls "ado" $ado "temporal" $temporal "backup" $backup) -}}
{{- end -}}

{{/* Folder of the certificate authority of an external PostgreSQL. */}}
{{- define "ado.postgresqlCaFolder" -}}/etc/ado/postgresql-ca{{- end -}}

{{/* Certificate authority of PostgreSQL, as an item of `volumes` and one of `volumeMounts`; nothing without one. */}}
{{- define "ado.postgresqlCaVolume" -}}
{{- $postgresql := include "ado.postgresql" . | fromYaml -}}
{{- if and $postgresql.tls.enabled $postgresql.tls.caSecret }}
- name: postgresql-ca
  secret:
    secretName: {{ $postgresql.tls.caSecret }}
    items:
      - { key: {{ $postgresql.tls.caKey }}, path: ca.crt }
{{- end }}
{{- end -}}
{{- define "ado.postgresqlCaMount" -}}
{{- $postgresql := include "ado.postgresql" . | fromYaml -}}
{{- if and $postgresql.tls.enabled $postgresql.tls.caSecret }}
- name: postgresql-ca
  mountPath: {{ include "ado.postgresqlCaFolder" . }}
  readOnly: true
{{- end }}
{{- end -}}

{{/* DATABASE_URL without a password: that is PGPASSWORD. */}}
{{- define "ado.databaseUrl" -}}
{{- $postgresql := include "ado.postgresql" . | fromYaml -}}
{{- printf "postgres://%s@%s:%d/%s" $postgresql.ado.user $postgresql.host (int $postgresql.port) $postgresql.ado.database -}}
{{- if $postgresql.tls.enabled -}}
{{- if not $postgresql.tls.verify }}?sslmode=no-verify
{{- else }}?sslmode=verify-full{{ if $postgresql.tls.caSecret }}&sslrootcert={{ include "ado.postgresqlCaFolder" . }}/ca.crt{{ end }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* libpq's variables for one of those roles, of (dict root role), as items of `env`: for psql, pg_dump. */}}
{{- define "ado.libpqEnv" -}}
{{- $postgresql := include "ado.postgresql" .root | fromYaml -}}
{{- $role := index $postgresql .role -}}
- { name: PGHOST, value: {{ $postgresql.host | quote }} }
- { name: PGPORT, value: {{ $postgresql.port | quote }} }
- { name: PGUSER, value: {{ $role.user | quote }} }
- { name: PGDATABASE, value: {{ $role.database | quote }} }
- name: PGPASSWORD
  valueFrom: { secretKeyRef: { name: {{ $role.secret }}, key: {{ $role.key }} } }
{{- if $postgresql.tls.enabled }}
- { name: PGSSLMODE, value: {{ ternary "verify-full" "require" (eq $postgresql.tls.verify true) }} }
{{- if $postgresql.tls.verify }}
- { name: PGSSLROOTCERT, value: {{ ternary (printf "%s/ca.crt" (include "ado.postgresqlCaFolder" .root)) "system" (ne $postgresql.tls.caSecret "") }} }
{{- end }}
{{- end }}
{{- end -}}

{{/* Redis: password and URL as items of `env`. The password is put into the URL by the kubelet, so it has to be URL-safe. */}}
{{- define "ado.redisEnv" -}}
{{- $redis := .Values.redis -}}
{{- $external := $redis.external -}}
{{- $needsPassword := or (eq $redis.mode "bundled") $external.password -}}
{{- if $needsPassword -}}
- name: REDIS_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ default (include "ado.secretName" .) $redis.auth.existingSecret }}
      key: {{ .Values.secrets.keys.redisPassword }}
{{ end -}}
- name: REDIS_URL
{{- if eq $redis.mode "bundled" }}
  value: redis://:$(REDIS_PASSWORD)@{{ include "ado.object" (list . "redis") }}:6379
{{- else }}
  value: {{ printf "%s://%s%s:%d/%d" (ternary "rediss" "redis" $external.tls) (ternary (printf "%s:$(REDIS_PASSWORD)@" $external.username) "" $external.password) $external.host (int $external.port) (int $external.database) | quote }}
{{- end }}
{{- end -}}

{{/* `host:port` of Temporal's frontend. */}}
{{- define "ado.temporalAddress" -}}
{{- if .Values.temporal.enabled -}}
{{- printf "%s:7233" (include "ado.object" (list . "temporal-frontend")) -}}
{{- else -}}
{{- .Values.temporal.address -}}
{{- end -}}
{{- end -}}
