{{/* The rights of the chosen kinds, from the files that are generated from what the kinds state. */}}

{{/* A generated file without the line that says so: root and name. */}}
{{- define "modelyard.file" -}}
{{- regexReplaceAll "\\A#[^\n]*\n" (.root.Files.Get .name) "" -}}
{{- end -}}

{{/* The names of the kinds that are served, as a JSON list. */}}
{{- define "modelyard.kinds" -}}
{{- $all := .Files.Get "files/kinds.yaml" | fromYaml | keys | sortAlpha -}}
{{- .Values.kinds | default $all | toJson -}}
{{- end -}}

{{/* What the operator may do with objects wherever it serves. */}}
{{- define "modelyard.rules" -}}
{{- $root := . -}}
{{ include "modelyard.file" (dict "root" . "name" "files/rules/runtime.yaml") | trim }}
{{- range include "modelyard.kinds" . | fromJsonArray }}
{{ include "modelyard.file" (dict "root" $root "name" (printf "files/rules/%s.yaml" .)) | trim }}
{{- $target := include "modelyard.file" (dict "root" $root "name" (printf "files/rules/%s.target.yaml" .)) | trim }}
{{- if $target }}
{{- range $root.Values.scaleTargets }}
{{- $name := splitList "=" . | first | splitList "." }}
{{- $group := . | contains "=" | ternary ($name | rest | rest | join ".") ($name | rest | join ".") }}
{{ $target | replace "targetgroup" $group | replace "targetplural" (first $name) }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* One set of roles for an account: root, name, component, account and annotations. */}}
{{- define "modelyard.roles" -}}
{{- $root := .root -}}
{{- $group := "rbac.authorization.k8s.io" -}}
{{- $subject := dict "kind" "ServiceAccount" "name" .account "namespace" $root.Release.Namespace -}}
{{- $wide := $root.Values.clusterWide -}}
{{- $where := $wide | ternary "" ($root.Values.namespaces | join "") -}}
apiVersion: {{ $group }}/v1
kind: {{ $wide | ternary "ClusterRole" "Role" }}
metadata:
  {{- include "modelyard.metadata" (merge (dict "namespace" $where) .) | nindent 2 }}
rules:
  {{- include "modelyard.rules" $root | nindent 2 }}
---
apiVersion: {{ $group }}/v1
kind: {{ $wide | ternary "ClusterRoleBinding" "RoleBinding" }}
metadata:
  {{- include "modelyard.metadata" (merge (dict "namespace" $where) .) | nindent 2 }}
roleRef:
  apiGroup: {{ $group }}
  kind: {{ $wide | ternary "ClusterRole" "Role" }}
  name: {{ .name }}
subjects:
  {{- toYaml (list $subject) | nindent 2 }}
---
# Whoever may write any lease of the cluster may take the lead from its control plane.
{{- $lease := merge (dict "name" (printf "%s-leader" .name) "namespace" $root.Release.Namespace) . }}
apiVersion: {{ $group }}/v1
kind: Role
metadata:
  {{- include "modelyard.metadata" $lease | nindent 2 }}
rules:
  {{- include "modelyard.file" (dict "root" $root "name" "files/rules/lease.yaml") | trim | nindent 2 }}
---
apiVersion: {{ $group }}/v1
kind: RoleBinding
metadata:
  {{- include "modelyard.metadata" $lease | nindent 2 }}
roleRef:
  apiGroup: {{ $group }}
  kind: Role
  name: {{ $lease.name }}
subjects:
  {{- toYaml (list $subject) | nindent 2 }}
{{- end -}}
