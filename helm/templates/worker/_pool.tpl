{{/*
The worker pools with all their settings, as YAML, {name: pool}: what a pool says, over the defaults of all. Of a budget only one key
may stand, so a pool's own replaces the default. `build` is the build of its workers. With versioning every pool is there again for each
old build, `<pool>-<tag>`, with a fixed number of workers for what began with that build.
*/}}
{{- define "ado.pools" -}}
{{- $root := . -}}
{{- $pools := dict -}}
{{- range $name, $own := .Values.workerPools -}}
{{- $pool := mergeOverwrite (deepCopy $root.Values.workerDefaults) (deepCopy $own) -}}
{{- if hasKey $own "pdb" }}{{ $_ := set $pool "pdb" $own.pdb }}{{ end -}}
{{- /* A pool that names none is refused by validations.yaml, which all templates have to live to see. */ -}}
{{- $_ := set $pool "pools" (default list $pool.pools) -}}
{{- $_ := set $pool "image" (mergeOverwrite (deepCopy $root.Values.image) $pool.image) -}}
{{- $_ := set $pool "build" (include "ado.build" (dict "root" $root "image" $pool.image)) -}}
{{- $_ := set $pools $name $pool -}}
{{- if $root.Values.versioning.enabled -}}
{{- range $old := $root.Values.versioning.previous -}}
{{- $image := mergeOverwrite (deepCopy $pool.image) (dict "tag" $old.tag "digest" "") -}}
{{- $left := dict "image" $image "build" $old.tag "replicas" (default 1 $old.replicas) "autoscaling" (dict "mode" "none") -}}
{{- $slug := regexReplaceAll "[^a-z0-9]+" (lower $old.tag) "-" | trunc 20 | trimAll "-" -}}
{{- $_ := set $pools (printf "%s-%s" $name $slug) (mergeOverwrite (deepCopy $pool) $left) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $pools -}}
{{- end -}}

{{/* Name of a build, of (dict root image): the image's tag, or what it is found by without one. */}}
{{- define "ado.build" -}}
{{- default (default .root.Chart.AppVersion (trunc 19 .image.digest)) .image.tag -}}
{{- end -}}

{{/* Name under which Temporal knows all builds of this release. */}}
{{- define "ado.deploymentName" -}}
{{- default (include "ado.fullname" .) .Values.versioning.deploymentName -}}
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
