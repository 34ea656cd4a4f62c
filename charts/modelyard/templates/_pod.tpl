{{/* What the operator's pods have in common with those of its hooks. */}}

{{- define "modelyard.image" -}}
{{- with .Values.image -}}
{{- .digest | empty | ternary (printf "%s:%s" .repository (default $.Chart.AppVersion .tag)) (printf "%s@%s" .repository .digest) -}}
{{- end -}}
{{- end -}}

{{/* The settings that say what is served and how the world is reached. */}}
{{- define "modelyard.flags" -}}
- --lease-namespace={{ .Release.Namespace }}
- --lease-name={{ include "modelyard.lease" . }}
{{- with .Values.kinds }}
- --kinds={{ join "," . }}
{{- end }}
{{- with .Values.namespaces }}
- --namespace={{ first . }}
{{- end }}
- --scale-targets={{ join "," .Values.scaleTargets }}
{{- with .Values.prometheus }}
{{- if .url }}
- --prometheus-url={{ .url }}
{{- end }}
{{- if .tokenSecret.name }}
- --prometheus-token-file=/etc/modelyard/prometheus/token
{{- end }}
{{- if .caSecret.name }}
- --prometheus-ca-file=/etc/modelyard/prometheus/ca.crt
{{- end }}
{{- end }}
- --checkpoint={{ .Values.checkpointSeconds }}
- --log-format={{ .Values.logFormat }}
{{- end -}}

{{/* Where pods run, as whom, and what is mounted: the fields of a pod beside its containers. */}}
{{- define "modelyard.pod" -}}
# A Service called modelyard would set variables that look like our own settings.
enableServiceLinks: false
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "modelyard.container" -}}
image: {{ include "modelyard.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
{{- end -}}

{{- define "modelyard.mounts" -}}
- name: tmp
  mountPath: /tmp
{{- if or .Values.prometheus.tokenSecret.name .Values.prometheus.caSecret.name }}
- name: prometheus
  mountPath: /etc/modelyard/prometheus
  readOnly: true
{{- end }}
{{- end -}}

{{/* Secrets as files: the kubelet reads them, and the operator needs no right to. */}}
{{- define "modelyard.volumes" -}}
- name: tmp
  emptyDir: {sizeLimit: 16Mi}
{{- with .Values.prometheus }}
{{- if or .tokenSecret.name .caSecret.name }}
- name: prometheus
  projected:
    defaultMode: 0440
    sources:
      {{- with .tokenSecret }}
      {{- if .name }}
      - secret:
          name: {{ .name }}
          items: [{key: {{ .key }}, path: token}]
      {{- end }}
      {{- end }}
      {{- with .caSecret }}
      {{- if .name }}
      - secret:
          name: {{ .name }}
          items: [{key: {{ .key }}, path: ca.crt}]
      {{- end }}
      {{- end }}
{{- end }}
{{- end }}
{{- end -}}
