{{- define "ninedata-exporter.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "ninedata-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "ninedata-exporter.labels" -}}
{{ include "ninedata-exporter.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "ninedata-exporter.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "ninedata-exporter.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end }}

{{/* A Service cannot become headless, so that of shards has another name. */}}
{{- define "ninedata-exporter.serviceName" -}}
{{- include "ninedata-exporter.fullname" . }}{{ if gt (int .Values.shards) 1 }}-shards{{ end -}}
{{- end }}

{{- define "ninedata-exporter.secretName" -}}
{{- default (include "ninedata-exporter.fullname" .) .Values.existingSecret -}}
{{- end }}

{{- define "ninedata-exporter.webConfigSecretName" -}}
{{- if .Values.webConfig -}}
{{- printf "%s-web" (include "ninedata-exporter.fullname" .) -}}
{{- else -}}
{{- .Values.existingWebConfigSecret -}}
{{- end -}}
{{- end }}

{{/* The ConfigMaps with task files, as a JSON list. */}}
{{- define "ninedata-exporter.taskConfigMaps" -}}
{{- $names := .Values.taskFileConfigMaps -}}
{{- if .Values.taskFiles -}}
{{- $names = prepend $names (printf "%s-tasks" (include "ninedata-exporter.fullname" .)) -}}
{{- end -}}
{{- toJson $names -}}
{{- end }}

{{/* The exporter's configuration: the values, the files of the secret, and the mounted task files. */}}
{{- define "ninedata-exporter.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- $api := default dict $config.api -}}
{{- if not (or $api.access_key_id $api.access_key_id_file) -}}
{{- $_ := set $api "access_key_id_file" "access-key-id" -}}
{{- end -}}
{{- if not (or $api.secret_key $api.secret_key_file) -}}
{{- $_ := set $api "secret_key_file" "secret-key" -}}
{{- end -}}
{{- $_ := set $config "api" $api -}}
{{- if fromJsonArray (include "ninedata-exporter.taskConfigMaps" .) -}}
{{- $_ := set $config "task_files" (append (default list $config.task_files) "/etc/ninedata-exporter-tasks/*/*.yaml") -}}
{{- end -}}
{{- toYaml $config -}}
{{- end }}

{{/* Whether the exporter serves TLS: the probes need to know. */}}
{{- define "ninedata-exporter.scheme" -}}
{{- if or .Values.webConfig.tls_server_config (eq .Values.serviceMonitor.scheme "https") }}HTTPS{{ else }}HTTP{{ end -}}
{{- end }}

{{/* What the flags put before all paths: the probes and the monitor need to know. */}}
{{- define "ninedata-exporter.prefix" -}}
{{- $prefix := "" -}}
{{- range .Values.extraArgs -}}
{{- if hasPrefix "--web.external-url=" . -}}
{{- $prefix = (urlParse (trimPrefix "--web.external-url=" .)).path -}}
{{- end -}}
{{- end -}}
{{- range .Values.extraArgs -}}
{{- if hasPrefix "--web.route-prefix=" . -}}
{{- $prefix = trimPrefix "--web.route-prefix=" . -}}
{{- end -}}
{{- end -}}
{{- with trimAll "/" $prefix }}/{{ . }}{{ end -}}
{{- end }}

{{- define "ninedata-exporter.pod" -}}
metadata:
  labels:
    {{- include "ninedata-exporter.labels" . | nindent 4 }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "ninedata-exporter.serviceAccountName" . }}
  # The exporter never uses the cluster's API.
  automountServiceAccountToken: false
  enableServiceLinks: false
  # SIGTERM stops it at once, and it has nothing to save.
  terminationGracePeriodSeconds: 10
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.podSecurityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  containers:
    - name: exporter
      image: "{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}"
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args:
        - --config.file=/etc/ninedata-exporter/config.yaml
        {{- if gt (int .Values.shards) 1 }}
        - --shard=$(SHARD)/{{ .Values.shards }}
        {{- end }}
        {{- if include "ninedata-exporter.webConfigSecretName" . }}
        - --web.config.file=/etc/ninedata-exporter-web/web-config.yaml
        {{- end }}
        {{- range .Values.extraArgs }}
        - {{ . | quote }}
        {{- end }}
      {{- if or (gt (int .Values.shards) 1) .Values.extraEnv }}
      env:
        {{- if gt (int .Values.shards) 1 }}
        - name: SHARD
          valueFrom:
            fieldRef:
              fieldPath: metadata.labels['apps.kubernetes.io/pod-index']
        {{- end }}
        {{- with .Values.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- end }}
      ports:
        - name: http
          containerPort: 10199
      {{- with .Values.securityContext }}
      securityContext:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      # None of these queries the NineData API or needs a password.
      startupProbe:
        httpGet: {path: {{ include "ninedata-exporter.prefix" . }}/-/ready, port: http, scheme: {{ include "ninedata-exporter.scheme" . }}}
        periodSeconds: 1
        failureThreshold: 60
      readinessProbe:
        httpGet: {path: {{ include "ninedata-exporter.prefix" . }}/-/ready, port: http, scheme: {{ include "ninedata-exporter.scheme" . }}}
        timeoutSeconds: 5
      livenessProbe:
        httpGet: {path: {{ include "ninedata-exporter.prefix" . }}/-/healthy, port: http, scheme: {{ include "ninedata-exporter.scheme" . }}}
        timeoutSeconds: 5
        failureThreshold: 6
      {{- with .Values.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      volumeMounts:
        - name: config
          mountPath: /etc/ninedata-exporter
          readOnly: true
        {{- if include "ninedata-exporter.webConfigSecretName" . }}
        - name: web-config
          mountPath: /etc/ninedata-exporter-web
          readOnly: true
        {{- end }}
        {{- range $index, $name := fromJsonArray (include "ninedata-exporter.taskConfigMaps" .) }}
        - name: tasks-{{ $index }}
          mountPath: /etc/ninedata-exporter-tasks/{{ $name }}
          readOnly: true
        {{- end }}
        {{- with .Values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: config
      projected:
        defaultMode: 0440
        sources:
          - configMap:
              name: {{ include "ninedata-exporter.fullname" . }}
          - secret:
              name: {{ include "ninedata-exporter.secretName" . }}
    {{- with include "ninedata-exporter.webConfigSecretName" . }}
    - name: web-config
      secret:
        secretName: {{ . }}
        defaultMode: 0440
    {{- end }}
    {{- range $index, $name := fromJsonArray (include "ninedata-exporter.taskConfigMaps" .) }}
    - name: tasks-{{ $index }}
      configMap:
        name: {{ $name }}
        optional: true
    {{- end }}
    {{- with .Values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
