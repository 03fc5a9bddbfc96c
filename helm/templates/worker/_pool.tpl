{{/*
A worker pool with all its settings, as YAML, of (dict root name): what it says, over the defaults of all pools. Of a budget
only one key may stand, so a pool's own replaces the default.
*/}}
{{- define "ado.pool" -}}
{{- $own := index .root.Values.workerPools .name -}}
{{- $pool := mergeOverwrite (deepCopy .root.Values.workerDefaults) (deepCopy $own) -}}
{{- if hasKey $own "pdb" }}{{ $_ := set $pool "pdb" $own.pdb }}{{ end -}}
{{- /* A pool that names none is refused by validations.yaml, which all templates have to live to see. */ -}}
{{- $_ := set $pool "pools" (default list $pool.pools) -}}
{{- toYaml $pool -}}
{{- end -}}

{{/* Name of a pool's Deployment, of (dict root name). */}}
{{- define "ado.poolName" -}}
{{- include "ado.object" (list .root (printf "worker-%s" .name)) -}}
{{- end -}}

{{/* How a pool's autoscaler moves: 3 → 50 workers in about 75 s; down slowly, as agents' work takes minutes. Of (dict behavior). */}}
{{- define "ado.poolBehavior" -}}
{{- $up := dict "stabilizationWindowSeconds" 0 "selectPolicy" "Max" "policies" (list (dict "type" "Percent" "value" 100 "periodSeconds" 15) (dict "type" "Pods" "value" 5 "periodSeconds" 15)) -}}
{{- $down := dict "stabilizationWindowSeconds" 300 "selectPolicy" "Max" "policies" (list (dict "type" "Pods" "value" 2 "periodSeconds" 60) (dict "type" "Percent" "value" 10 "periodSeconds" 60)) -}}
{{- toYaml (mergeOverwrite (dict "scaleUp" $up "scaleDown" $down) (deepCopy (default dict .behavior))) -}}
{{- end -}}

{{/* Average of busy slots a worker that asks for one worker more, of (dict pool); empty where slots are not measured. */}}
{{- define "ado.poolBusyTarget" -}}
{{- $busy := .pool.autoscaling.busySlots -}}
{{- if and $busy.enabled .pool.slots -}}
{{- max 1 (floor (mulf .pool.slots $busy.ratio)) | int -}}
{{- end -}}
{{- end -}}
