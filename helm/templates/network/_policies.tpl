{{/* Parts of network policies. Namespaces are selected by the label that Kubernetes gives them. */}}

{{/* Begin of a policy, of (dict root name component pool). */}}
{{- define "ado.policy" }}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "ado.object" (list .root .name) }}
  labels:
    {{- include "ado.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "ado.selectorLabels" . | nindent 6 }}
{{- end -}}

{{/* Peer: the pods of some components of this release, of (dict root components). */}}
{{- define "ado.peers" -}}
- podSelector:
    matchLabels:
      {{- include "ado.selectorLabels" (dict "root" .root) | nindent 6 }}
    matchExpressions:
      - { key: app.kubernetes.io/component, operator: In, values: {{ toJson .components }} }
{{- end -}}

{{/* Peer: a namespace by name; any namespace of the cluster without one. */}}
{{- define "ado.namespacePeer" -}}
- namespaceSelector:
{{- if . }}
    matchLabels: { kubernetes.io/metadata.name: {{ . }} }
{{- else }} {}
{{- end }}
{{- end -}}

{{/* Egress rule to PostgreSQL: the pods of this release, or what networkPolicy.stores.postgresql names. */}}
{{- define "ado.toPostgresql" -}}
{{- $postgresql := include "ado.postgresql" . | fromYaml -}}
- ports: [{ port: {{ int $postgresql.port }}, protocol: TCP }]
{{- if eq .Values.postgresql.mode "bundled" }}
  to:
    {{- include "ado.peers" (dict "root" . "components" (list "postgresql")) | nindent 4 }}
{{- else if eq .Values.postgresql.mode "cnpg" }}
  to:
    - podSelector: { matchLabels: { cnpg.io/cluster: {{ include "ado.object" (list . "postgresql") }} } }
{{- else if .Values.networkPolicy.stores.postgresql }}
  to:
    {{- toYaml .Values.networkPolicy.stores.postgresql | nindent 4 }}
{{- end }}
{{- end -}}

{{/* Egress rule to Redis. */}}
{{- define "ado.toRedis" -}}
{{- if eq .Values.redis.mode "bundled" -}}
- ports: [{ port: 6379, protocol: TCP }]
  to:
    {{- include "ado.peers" (dict "root" . "components" (list "redis")) | nindent 4 }}
{{- else -}}
- ports: [{ port: {{ int .Values.redis.external.port }}, protocol: TCP }]
{{- with .Values.networkPolicy.stores.redis }}
  to:
    {{- toYaml . | nindent 4 }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Egress rule to Temporal's frontend. */}}
{{- define "ado.toTemporal" -}}
{{- if .Values.temporal.enabled -}}
- ports: [{ port: 7233, protocol: TCP }]
  to:
    {{- include "ado.peers" (dict "root" . "components" (list "temporal")) | nindent 4 }}
{{- else -}}
- ports: [{ port: {{ splitList ":" .Values.temporal.address | last }}, protocol: TCP }]
{{- with .Values.networkPolicy.stores.temporal }}
  to:
    {{- toYaml . | nindent 4 }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Egress rule to the internet: every address but those of private networks and of the cloud's metadata. */}}
{{- define "ado.toInternet" -}}
{{- $internet := .Values.networkPolicy.internet -}}
- ports:
    {{- range $internet.ports }}
    - { port: {{ . }}, protocol: TCP }
    {{- end }}
  to:
    - ipBlock:
        cidr: 0.0.0.0/0
        except:
          {{- toYaml $internet.except | nindent 10 }}
{{- end -}}

{{/* Egress rule to the collector of traces; nothing without one. */}}
{{- define "ado.toTraces" -}}
{{- with .Values.tracing.endpoint }}
{{- $url := urlParse . }}
- ports: [{ port: {{ default (ternary "443" "4318" (eq $url.scheme "https")) (regexFind "[0-9]+$" $url.host) }}, protocol: TCP }]
{{- end }}
{{- end -}}
