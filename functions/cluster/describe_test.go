// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend"
)

// TestDescribe shows what others know of every place.
func TestDescribe(t *testing.T) {
	medium := &backend.Node{Name: "size Medium", CPUs: 4, GiB: 16}
	nodes := backend.Pool{Field: "nodes", Size: v1alpha1.InstanceSizeMedium, Min: 1, Max: 3, Count: "nodes.maxCount", Scales: true, Node: medium}
	own := func(machines string) []backend.Pool {
		p := nodes
		p.Machines, p.Node = machines, nil
		return []backend.Pool{p}
	}
	inCloud := func(fs ...func(*backend.Facts)) backend.Facts {
		f := backend.Facts{Place: backend.PlaceCloud, Account: "default", Region: "europe-west", Architecture: v1alpha1.ArchitectureAMD64, Pools: []backend.Pool{nodes}}
		for _, change := range fs {
			change(&f)
		}
		return f
	}
	system := backend.Pool{Field: "aks.systemPool", Min: 2, Max: 3, Scales: true, Reserved: true, Node: medium}
	const conflict = " keep an ingress of k3s on the ports that component ingress needs, and k3s cannot change them"
	cases := map[string]struct {
		reason   string
		provider v1alpha1.Provider
		change   func(*v1alpha1.ClusterParameters)
		want     backend.Facts
	}{
		"Unknown": {reason: "Nothing is made up.", provider: "Nomad"},
		"EKS":     {reason: "A cloud has an account, a region and nodes that are made.", provider: v1alpha1.ProviderEKS, want: inCloud()},
		"EKSOwn": {
			reason: "The cloud's own names come first, and of its machines nothing is known.", provider: v1alpha1.ProviderEKS,
			change: func(p *v1alpha1.ClusterParameters) {
				p.EKS = &v1alpha1.EKSCluster{Region: "eu-south-2", InstanceTypes: []v1alpha1.InstanceType{"m6i.8xlarge"}}
			},
			want: inCloud(func(f *backend.Facts) { f.Region, f.Pools = "eu-south-2", own("eks.instanceTypes") }),
		},
		"EKSAdopted": {
			reason: "Nodes that are there already are nobody's business here.", provider: v1alpha1.ProviderEKS,
			change: func(p *v1alpha1.ClusterParameters) { p.ExternalName = "prod-1" },
			want:   inCloud(func(f *backend.Facts) { f.Adopted, f.Pools = true, nil }),
		},
		"GKEOwn": {
			reason: "So it is on every cloud.", provider: v1alpha1.ProviderGKE,
			change: func(p *v1alpha1.ClusterParameters) {
				p.GKE = &v1alpha1.GKECluster{Region: "europe-west6", MachineType: "m3-ultramem-128"}
			},
			want: inCloud(func(f *backend.Facts) { f.Region, f.Pools = "europe-west6", own("gke.machineType") }),
		},
		"AKS": {
			reason: "The system pool is nodes on which no workload runs.", provider: v1alpha1.ProviderAKS,
			want: inCloud(func(f *backend.Facts) { f.Pools = []backend.Pool{nodes, system} }),
		},
		"AKSOwn": {
			reason: "Both pools may have machines by Azure's names.", provider: v1alpha1.ProviderAKS,
			change: func(p *v1alpha1.ClusterParameters) {
				p.AKS = &v1alpha1.AKSCluster{VMSize: "Standard_D32s_v5", SystemPool: &v1alpha1.AKSSystemPool{VMSize: "Standard_M64", MinCount: 4}}
			},
			want: inCloud(func(f *backend.Facts) {
				s := system
				s.Machines, s.Node, s.Min, s.Max, s.Count = "aks.systemPool.vmSize", nil, 4, 4, "aks.systemPool.maxCount"
				f.Pools = append(own("aks.vmSize"), s)
			}),
		},
		"AKSSpot": {
			reason: "Beside spot nodes it is the other way round.", provider: v1alpha1.ProviderAKS,
			change: func(p *v1alpha1.ClusterParameters) {
				p.Nodes.CapacityType, p.Nodes.MaxCount = v1alpha1.CapacityTypeSpot, 9
			},
			want: inCloud(func(f *backend.Facts) {
				n, s := nodes, system
				n.Max, n.Reserved, s.Max, s.Reserved = 9, true, 9, false
				f.Pools = []backend.Pool{n, s}
			}),
		},
		"K3s": {
			reason: "Hosts are nodes of which nothing is known.", provider: v1alpha1.ProviderK3s,
			change: func(p *v1alpha1.ClusterParameters) {
				p.K3s = &v1alpha1.K3sCluster{Hosts: make([]v1alpha1.K3sHost, 3), Traefik: true, ServiceLB: true}
			},
			want: backend.Facts{Place: backend.PlaceHosts, PortConflict: "k3s.traefik and k3s.serviceLB" + conflict, Pools: []backend.Pool{{Field: "k3s.hosts", Count: "k3s.hosts", Min: 3, Max: 3}}},
		},
		"Kind": {
			reason: "Without a block it is one node.", provider: v1alpha1.ProviderKind,
			want: backend.Facts{Place: backend.PlaceLocal, HostPorts: true, Pools: []backend.Pool{{Field: "kindCluster", Count: "kindCluster.controlPlanes and kindCluster.workers together", Min: 1, Max: 1}}},
		},
		"K3d": {
			reason: "Its own load balancer takes the ports.", provider: v1alpha1.ProviderK3d,
			change: func(p *v1alpha1.ClusterParameters) {
				p.K3d = &v1alpha1.K3dCluster{LocalNodes: v1alpha1.LocalNodes{Workers: 2}, Traefik: true, ServiceLB: true}
			},
			want: backend.Facts{Place: backend.PlaceLocal, PortConflict: "k3d.traefik and k3d.serviceLB" + conflict, Pools: []backend.Pool{{Field: "k3d", Count: "k3d.controlPlanes and k3d.workers together", Min: 3, Max: 3}}},
		},
		"Existing": {
			reason: "It says itself how it is reached.", provider: v1alpha1.ProviderExisting,
			change: func(p *v1alpha1.ClusterParameters) {
				p.Existing = &v1alpha1.ExistingCluster{IngressExposure: v1alpha1.IngressExposureHostPort}
			},
			want: backend.Facts{Place: backend.PlaceExisting, Adopted: true, HostPorts: true},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			p := v1alpha1.ClusterParameters{
				Provider: tc.provider, Region: v1alpha1.RegionEuropeWest,
				Nodes:             v1alpha1.Nodes{InstanceSize: v1alpha1.InstanceSizeMedium, MinCount: 1, MaxCount: 3, Architecture: v1alpha1.ArchitectureAMD64},
				ProviderConfigRef: v1alpha1.ProviderConfigReference{Name: "default"},
			}
			if tc.change != nil {
				tc.change(&p)
			}
			if diff := cmp.Diff(tc.want, Describe(p), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("\n%s\nDescribe(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
