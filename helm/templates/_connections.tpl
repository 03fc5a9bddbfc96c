{{/* Connections to PostgreSQL that the release may hold at most, with all pods that its autoscalers may start. */}}
{{- define "ado.connections" -}}
{{- $pods := ternary .Values.api.replicas .Values.api.autoscaling.max (eq .Values.api.autoscaling.mode "none") -}}
{{- $sum := mul $pods .Values.api.databasePoolSize -}}
{{- range $name, $pool := include "ado.pools" . | fromYaml -}}
{{- $pods := ternary $pool.replicas $pool.autoscaling.max (eq $pool.autoscaling.mode "none") -}}
{{- $sum = add $sum (mul $pods $pool.databasePoolSize) -}}
{{- end -}}
{{- if .Values.temporal.enabled -}}
{{- $perRole := add .Values.temporal.connections .Values.temporal.visibilityConnections -}}
{{- range $role, $part := include "ado.temporalRoles" . | fromYaml -}}
{{- $sum = add $sum (mul $part.settings.replicas (len $part.rpc) $perRole) -}}
{{- end -}}
{{- end -}}
{{- $sum -}}
{{- end -}}
