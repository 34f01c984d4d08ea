// SPDX-License-Identifier: Apache-2.0

package simulate

import "math/rand"

// randomAKS is a block aks with more or less that exists already.
func randomAKS(r *rand.Rand) map[string]any {
	const network = "/subscriptions/s/resourceGroups/net/providers/Microsoft."
	block := map[string]any{}
	if chance(r, 0.3) {
		block["resourceGroupName"] = "old"
	}
	if chance(r, 0.3) {
		block["userAssignedIdentityID"] = network + "ManagedIdentity/userAssignedIdentities/aks"
	}
	switch r.Intn(4) {
	case 0:
		block["existingNetwork"] = map[string]any{"subnetID": network + "Network/virtualNetworks/hub/subnets/nodes"}
	case 1:
		block["existingNetwork"] = map[string]any{"virtualNetwork": map[string]any{"resourceGroupName": "net", "name": "hub", "subnetCIDR": "10.9.0.0/22"}}
	}
	return block
}
