{{/* Labels of an object; takes a dict of root and name. */}}
{{- define "game.labels" -}}
{{ include "game.selector" . }}
app.kubernetes.io/part-of: {{ .root.Release.Name }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name (.root.Chart.Version | replace "+" "_") }}
{{- end }}

{{/* What selects the pods of a service or load generator. */}}
{{- define "game.selector" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{- define "game.image" -}}
{{- $i := .Values.image -}}
{{- if $i.digest -}}
{{ $i.repository }}@{{ $i.digest }}
{{- else -}}
{{ $i.repository }}:{{ $i.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- define "game.configMap" -}}
{{ printf "%s-game" (.Release.Name | trunc 58 | trimSuffix "-") }}
{{- end }}

{{/* A pod template; takes a dict of root, name and flag. It does not depend on the
     game's content: the emulator follows a changed game without a restart. */}}
{{- define "game.pod" -}}
metadata:
  labels:
    {{- include "game.labels" . | nindent 4 }}
    {{- with .root.Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .root.Values.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: 30
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    seccompProfile: {type: RuntimeDefault}
  {{- with .root.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
  - name: game
    image: {{ include "game.image" .root }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    args:
    - --game=/etc/game/game.yaml
    - {{ printf "--%s=%s" .flag .name }}
    - --drain=3s
    {{- if ne .root.Values.peers "{service}" }}
    - {{ printf "--peers=%s" .root.Values.peers | quote }}
    {{- end }}
    {{- if not (kindIs "invalid" .root.Values.seed) }}
    - --seed={{ int64 .root.Values.seed }}
    {{- end }}
    env:
    - name: POD_NAMESPACE
      valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
    - name: POD_NAME
      valueFrom: {fieldRef: {fieldPath: metadata.name}}
    - name: NODE_NAME
      valueFrom: {fieldRef: {fieldPath: spec.nodeName}}
    - name: OTEL_RESOURCE_ATTRIBUTES
      value: service.namespace=$(POD_NAMESPACE),k8s.namespace.name=$(POD_NAMESPACE),k8s.pod.name=$(POD_NAME),k8s.node.name=$(NODE_NAME),k8s.deployment.name={{ .name }},k8s.container.name=game
    {{- with .root.Values.telemetry }}
    {{- if .endpoint }}
    - name: OTEL_EXPORTER_OTLP_ENDPOINT
      value: {{ .endpoint | quote }}
    - name: OTEL_EXPORTER_OTLP_PROTOCOL
      value: {{ .protocol }}
    - name: OTEL_LOGS_EXPORTER
      value: otlp,console
    {{- end }}
    {{- if .sampleRatio }}
    - name: OTEL_TRACES_SAMPLER
      value: parentbased_traceidratio
    - name: OTEL_TRACES_SAMPLER_ARG
      value: {{ .sampleRatio | quote }}
    {{- end }}
    {{- end }}
    {{- with .root.Values.env }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    ports:
    {{- if eq .flag "service" }}
    - {name: http, containerPort: 8080}
    {{- end }}
    - {name: admin, containerPort: 8081}
    livenessProbe:
      httpGet: {path: /healthz, port: admin}
      periodSeconds: 10
    readinessProbe:
      httpGet: {path: /readyz, port: admin}
      periodSeconds: 2
    resources:
      {{- toYaml .root.Values.resources | nindent 6 }}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities: {drop: [ALL]}
    volumeMounts:
    # The folder, not the file in it: a mounted file would never change.
    - {name: game, mountPath: /etc/game, readOnly: true}
  volumes:
  - name: game
    configMap: {name: {{ include "game.configMap" .root }}}
  {{- with .root.Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .root.Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .root.Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
