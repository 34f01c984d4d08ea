// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/meta"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	"github.com/crossplane/crossplane-runtime/v2/pkg/test"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/observe-k8s/observe-k8s/providers/local/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/providers/local/internal/engine"
	"github.com/observe-k8s/observe-k8s/providers/local/internal/jobs"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var errBoom = errors.New("boom")

// A fakeEngine notes what is asked of it.
type fakeEngine struct {
	observation engine.Observation
	err         error
	calls       []string
}

func (f *fakeEngine) Create(_ context.Context, r engine.Request, _ func(string)) error {
	f.calls = append(f.calls, "create "+r.Name)
	return f.err
}

func (f *fakeEngine) Start(_ context.Context, name string) error {
	f.calls = append(f.calls, "start "+name)
	return f.err
}

func (f *fakeEngine) Delete(_ context.Context, name string) error {
	f.calls = append(f.calls, "delete "+name)
	return f.err
}

func (f *fakeEngine) Observe(_ context.Context, name string) (engine.Observation, error) {
	f.calls = append(f.calls, "observe "+name)
	return f.observation, f.err
}

// fakeJobs run at once, and are in the state that a case asks for.
type fakeJobs struct {
	state *jobs.State
	err   error
}

func (f *fakeJobs) Start(_, _ string, work jobs.Func) {
	f.err = work(context.Background(), func(string) {})
}

func (f *fakeJobs) State(string) (jobs.State, bool) {
	if f.state == nil {
		return jobs.State{}, false
	}
	return *f.state, true
}

type change func(*v1alpha1.KindCluster)

func cluster(cs ...change) *v1alpha1.KindCluster {
	c := &v1alpha1.KindCluster{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "demo"}}
	meta.SetExternalName(c, "demo-1")
	for _, f := range cs {
		f(c)
	}
	return c
}

func made(c *v1alpha1.KindCluster) { meta.SetExternalCreatePending(c, time.Unix(1, 0)) }

func deleted(c *v1alpha1.KindCluster) {
	now := metav1.Unix(2, 0)
	c.DeletionTimestamp = &now
}

func named(name string) change {
	return func(c *v1alpha1.KindCluster) { meta.SetExternalName(c, name) }
}

func nodes(state string) []v1alpha1.NodeStatus {
	return []v1alpha1.NodeStatus{{Name: "demo-1-control-plane", Role: "control-plane", State: state}}
}

func TestObserve(t *testing.T) {
	running := engine.Observation{
		Nodes: nodes("running"), Complete: true, Ready: true, Version: "v1.36.3", Architecture: "amd64",
		Endpoint: "https://10.0.0.2:6443", ExternalEndpoint: "https://127.0.0.1:40000", Kubeconfig: []byte("in"), ExternalKubeconfig: []byte("out"),
	}
	with := func(o engine.Observation, f func(*engine.Observation)) engine.Observation {
		f(&o)
		return o
	}
	details := managed.ConnectionDetails{"kubeconfig": []byte("in"), "kubeconfig-external": []byte("out"), "endpoint": []byte("https://10.0.0.2:6443")}

	type want struct {
		observation managed.ExternalObservation
		err         error
		ready       xpv2.Condition
		stage       v1alpha1.ClusterState
	}
	cases := map[string]struct {
		reason string
		mg     *v1alpha1.KindCluster
		job    *jobs.State
		engine fakeEngine
		want   want
	}{
		"Nothing": {
			reason: "A cluster without containers is not there.",
			mg:     cluster(),
			want:   want{},
		},
		"Ready": {
			reason: "A complete cluster whose API server answers is ready, and says how to reach it.",
			mg:     cluster(made),
			engine: fakeEngine{observation: running},
			want: want{
				observation: managed.ExternalObservation{ResourceExists: true, ResourceUpToDate: true, ConnectionDetails: details},
				ready:       xpv2.Available(), stage: v1alpha1.StateRunning,
			},
		},
		"Silent": {
			reason: "An API server that does not answer is not ready, whatever its containers do.",
			mg:     cluster(made),
			engine: fakeEngine{observation: with(running, func(o *engine.Observation) { o.Ready, o.Unready = false, "it does not answer" })},
			want: want{
				observation: managed.ExternalObservation{ResourceExists: true, ResourceUpToDate: true, ConnectionDetails: details},
				ready:       xpv2.Unavailable().WithMessage("it does not answer"), stage: v1alpha1.StateRunning,
			},
		},
		"Stopped": {
			reason: "Nodes that stopped are to be started, not replaced.",
			mg:     cluster(made),
			engine: fakeEngine{observation: engine.Observation{Nodes: nodes("exited"), Complete: true, Stopped: true, Unready: "node demo-1-control-plane does not run"}},
			want: want{
				observation: managed.ExternalObservation{ResourceExists: true},
				ready:       xpv2.Unavailable().WithMessage("node demo-1-control-plane does not run"), stage: v1alpha1.StateRunning,
			},
		},
		"ReleaseInterrupted": {
			reason: "A cluster that nobody works on and that is not complete is made again.",
			mg:     cluster(made),
			engine: fakeEngine{observation: with(running, func(o *engine.Observation) { o.Complete = false })},
			want:   want{ready: xpv2.Creating().WithMessage("Its creation was interrupted: it is made again"), stage: v1alpha1.StateRecreating},
		},
		"Adopted": {
			reason: "A cluster that was not made here has no note of being complete, and is never made again.",
			mg:     cluster(),
			engine: fakeEngine{observation: with(running, func(o *engine.Observation) { o.Complete = false })},
			want: want{
				observation: managed.ExternalObservation{ResourceExists: true, ResourceUpToDate: true, ConnectionDetails: details},
				ready:       xpv2.Available(), stage: v1alpha1.StateRunning,
			},
		},
		"Creating": {
			reason: "While it is being created the engine is not asked: only the job knows how far it is.",
			mg:     cluster(made),
			job:    &jobs.State{Kind: jobCreate, Running: true, Step: "Preparing nodes"},
			engine: fakeEngine{err: errBoom},
			want: want{
				observation: managed.ExternalObservation{ResourceExists: true, ResourceUpToDate: true},
				ready:       xpv2.Creating().WithMessage("Preparing nodes"), stage: v1alpha1.StateCreating,
			},
		},
		"Recreating": {
			reason: "A repair is a creation that says what it is.",
			mg:     cluster(made),
			job:    &jobs.State{Kind: jobRepair, Running: true, Step: "Removing remains"},
			want: want{
				observation: managed.ExternalObservation{ResourceExists: true, ResourceUpToDate: true},
				ready:       xpv2.Creating().WithMessage("Removing remains"), stage: v1alpha1.StateRecreating,
			},
		},
		"Deleting": {
			reason: "While it is being deleted it still exists.",
			mg:     cluster(made, deleted),
			job:    &jobs.State{Kind: jobDelete, Running: true},
			want: want{
				observation: managed.ExternalObservation{ResourceExists: true, ResourceUpToDate: true},
				ready:       xpv2.Deleting(), stage: v1alpha1.StateDeleting,
			},
		},
		"Failed": {
			reason: "Why a creation failed is reported until it is tried again.",
			mg:     cluster(made),
			job:    &jobs.State{Kind: jobCreate, Err: errBoom, Pausing: true},
			want: want{
				err:   errors.Wrap(errBoom, "cannot create the cluster"),
				ready: xpv2.Unavailable().WithMessage("cannot create the cluster: boom"),
			},
		},
		"FailedAndRested": {
			reason: "After a pause it is tried again.",
			mg:     cluster(made),
			job:    &jobs.State{Kind: jobCreate, Err: errBoom},
			want:   want{},
		},
		"FailedThenDeleted": {
			reason: "What failed to be created and left nothing is gone when it is deleted.",
			mg:     cluster(made, deleted),
			job:    &jobs.State{Kind: jobCreate, Err: errBoom, Pausing: true},
			want:   want{observation: managed.ExternalObservation{ResourceUpToDate: true}},
		},
		"RemainsThenDeleted": {
			reason: "Remains are deleted like a cluster.",
			mg:     cluster(made, deleted),
			engine: fakeEngine{observation: engine.Observation{Nodes: nodes("created")}},
			want:   want{observation: managed.ExternalObservation{ResourceExists: true, ResourceUpToDate: true}},
		},
		"VolumesThenDeleted": {
			reason: "A cluster that left volumes is not gone.",
			mg:     cluster(made, deleted),
			engine: fakeEngine{observation: engine.Observation{HasLeftovers: true}},
			want:   want{observation: managed.ExternalObservation{ResourceExists: true, ResourceUpToDate: true}},
		},
		"EngineGone": {
			reason: "A silent engine is no reason to believe that the cluster is gone.",
			mg:     cluster(made),
			engine: fakeEngine{err: errBoom},
			want:   want{err: errBoom, ready: xpv2.Unavailable().WithMessage("boom")},
		},
		"ForeignName": {
			reason: "A name that no cluster can have never reaches a tool.",
			mg:     cluster(named("--help")),
			want: want{
				err:   checkName("--help"),
				ready: xpv2.Unavailable().WithMessage(checkName("--help").Error()),
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			e := &external[*v1alpha1.KindCluster]{kind: kindClusters(), engine: &tc.engine, jobs: &fakeJobs{state: tc.job}}
			got, err := e.Observe(t.Context(), tc.mg)
			if diff := cmp.Diff(tc.want.err, err, test.EquateErrors()); diff != "" {
				t.Errorf("\n%s\nerror: -want, +got:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.want.observation, got); diff != "" {
				t.Errorf("\n%s\nobservation: -want, +got:\n%s", tc.reason, diff)
			}
			ready := tc.mg.GetCondition(xpv2.TypeReady)
			if tc.want.ready.Type == "" {
				tc.want.ready = xpv2.Condition{Type: xpv2.TypeReady, Status: "Unknown"}
			}
			if diff := cmp.Diff(tc.want.ready, ready, cmpopts.IgnoreFields(xpv2.Condition{}, "LastTransitionTime")); diff != "" {
				t.Errorf("\n%s\nReady: -want, +got:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.want.stage, tc.mg.Status.AtProvider.State); diff != "" {
				t.Errorf("\n%s\nstage: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestActions shows that each method asks the engine for what it is named after.
func TestActions(t *testing.T) {
	cases := map[string]struct {
		reason string
		act    func(*external[*v1alpha1.KindCluster], *v1alpha1.KindCluster) error
		want   []string
	}{
		"Create": {
			reason: "A cluster is created under its external name.",
			act: func(e *external[*v1alpha1.KindCluster], c *v1alpha1.KindCluster) error {
				_, err := e.Create(context.Background(), c)
				return err
			},
			want: []string{"create demo-1"},
		},
		"Update": {
			reason: "All that can be done to a cluster is to start it.",
			act: func(e *external[*v1alpha1.KindCluster], c *v1alpha1.KindCluster) error {
				_, err := e.Update(context.Background(), c)
				return err
			},
			want: []string{"start demo-1"},
		},
		"Delete": {
			reason: "A cluster is deleted by its external name.",
			act: func(e *external[*v1alpha1.KindCluster], c *v1alpha1.KindCluster) error {
				_, err := e.Delete(context.Background(), c)
				return err
			},
			want: []string{"delete demo-1"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			// What a job fails with is for Observe to report.
			f := &fakeEngine{err: errBoom}
			e := &external[*v1alpha1.KindCluster]{kind: kindClusters(), engine: f, jobs: &fakeJobs{}}
			if err := tc.act(e, cluster()); err != nil {
				t.Errorf("\n%s\n%v", tc.reason, err)
			}
			if diff := cmp.Diff(tc.want, f.calls); diff != "" {
				t.Errorf("\n%s\ncalls: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestClusterName(t *testing.T) {
	cases := map[string]struct {
		reason          string
		namespace, name string
		want            string
	}{
		"Short":     {reason: "Readable, and a hash.", namespace: "team-a", name: "demo", want: "demo-1960e37c"},
		"Namespace": {reason: "The same name in another namespace is another cluster.", namespace: "team-b", name: "demo", want: "demo-1561a438"},
		"Long":      {reason: "k3d takes 32 characters.", namespace: "team-a", name: "a-name-that-goes-on-and-on-and-on", want: "a-name-that-goes-on-and-e5491777"},
		"Dots":      {reason: "A dot is no part of a container's name on a network.", namespace: "team-a", name: "demo.example", want: "demo-example-182dcaf0"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := ClusterName(tc.namespace, tc.name)
			if err := checkName(got); err != nil {
				t.Errorf("\n%s\n%v", tc.reason, err)
			}
			if got != tc.want {
				t.Errorf("\n%s\nwant %q, got %q", tc.reason, tc.want, got)
			}
			if again := ClusterName(tc.namespace, tc.name); again != got {
				t.Errorf("\n%s\nthe same cluster is named %q and %q", tc.reason, got, again)
			}
		})
	}
}
