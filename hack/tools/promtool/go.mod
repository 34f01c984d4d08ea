// Builds promtool with the tag remove_all_sd: without service discovery and the
// SDKs of all clouds. go mod tidy knows no tags and would want them all.
module github.com/observe-k8s/observe-k8s/test/tools/promtool

go 1.26.7

require github.com/prometheus/prometheus v0.316.0 // indirect
