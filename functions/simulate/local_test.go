// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"fmt"
	"math/rand"
)

// randomLocal is a block for clusters of containers or on hosts; nil for none.
func randomLocal(r *rand.Rand, provider string) map[string]any {
	switch provider {
	case "Kind", "K3d":
		if chance(r, 0.4) {
			return nil
		}
		block := map[string]any{"workers": int64(r.Intn(3))}
		if chance(r, 0.3) {
			block["image"] = "registry.example.org/node:v1"
		}
		if chance(r, 0.3) {
			block["ports"] = []any{map[string]any{"hostPort": int64(8080), "containerPort": int64(30080)}}
		}
		if chance(r, 0.3) {
			block["labels"] = map[string]any{"rack": "a"}
		}
		return block
	case "K3s":
		hosts := []any{}
		for n := range pick(r, []int{1, 3}) {
			hosts = append(hosts, map[string]any{"address": fmt.Sprintf("192.0.2.%d", 10+n), "role": "Server"})
		}
		for n := range r.Intn(3) {
			hosts = append(hosts, map[string]any{"address": fmt.Sprintf("node-%d.example.org", n), "architecture": pick(r, []string{"amd64", "arm64"})})
		}
		return map[string]any{"hosts": hosts, "ssh": map[string]any{"keySecretRef": map[string]any{"name": "ssh"}}}
	}
	return nil
}
