{{- define "content.labels" -}}
app.kubernetes.io/name: content
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_") }}
{{- end }}

{{/* Whether all that an item of the index needs is there; takes a dict of root and
     needs. Empty when it is not. */}}
{{- define "content.wanted" -}}
{{- $wanted := true -}}
{{- $there := merge (dict "slos" (not (empty .root.Values.slos))) .root.Values.components -}}
{{- range .needs -}}
{{- if not (get $there .) -}}{{- $wanted = false -}}{{- end -}}
{{- end -}}
{{- if $wanted -}}true{{- end -}}
{{- end }}
