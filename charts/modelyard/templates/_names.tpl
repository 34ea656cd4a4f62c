{{/* Names and labels. */}}

{{- define "modelyard.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* 40 characters, so that what is appended stays within 63. */}}
{{- define "modelyard.fullname" -}}
{{- $name := include "modelyard.name" . -}}
{{- $both := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- default $both .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "modelyard.account" -}}
{{- $made := .Values.serviceAccount.create | ternary (include "modelyard.fullname" .) "default" -}}
{{- default $made .Values.serviceAccount.name -}}
{{- end -}}

{{/* Whoever serves the same objects from one namespace takes turns by the same Lease. */}}
{{- define "modelyard.lease" -}}
{{- prepend .Values.namespaces "modelyard" | join "-" -}}
{{- end -}}

{{- define "modelyard.selector" -}}
app.kubernetes.io/name: {{ include "modelyard.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end -}}

{{/* The metadata of an object: root, name and component; namespace, labels and annotations if any. */}}
{{- define "modelyard.metadata" -}}
{{- $root := .root -}}
name: {{ .name }}
{{- with .namespace }}
namespace: {{ . }}
{{- end }}
{{- $labels := dict
  "app.kubernetes.io/name" (include "modelyard.name" $root)
  "app.kubernetes.io/instance" $root.Release.Name
  "app.kubernetes.io/version" $root.Chart.AppVersion
  "app.kubernetes.io/component" .component
  "app.kubernetes.io/part-of" "modelyard"
  "app.kubernetes.io/managed-by" $root.Release.Service
  "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version)
}}
labels:
  {{- merge $labels (default dict .labels) $root.Values.labels | toYaml | nindent 2 }}
{{- with merge (dict) (default dict .annotations) $root.Values.annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
