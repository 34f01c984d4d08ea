// SPDX-License-Identifier: Apache-2.0

package ci

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/cluster"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// UpOptions say which environment a job gets.
type UpOptions struct {
	// Dir is the folder for what is kept: state, trace and the platform's
	// kubeconfig.
	Dir string
	// Claim is the file with the claim.
	Claim string
	// Kubeconfig of a management cluster with our packages. If it is empty,
	// MakeCluster makes one for this job only.
	Kubeconfig string
	// Timeout is how long the claim may take to become Ready.
	Timeout time.Duration
	// Lifetime of a claim that names none. It ends the environment if Down never
	// runs.
	Lifetime string
	// MakeCluster makes a management cluster, and writes its kubeconfig to a file.
	MakeCluster func(ctx context.Context, kubeconfig string) error
}

// Up makes the environment. What it knows is on disk before each step, so that
// Down can take down what a cancelled job leaves.
func Up(ctx context.Context, c UpOptions) (err error) {
	claim, err := readClaim(c.Claim, c.Lifetime)
	if err != nil {
		return err
	}
	if c.Kubeconfig == "" && needsLastingCluster(claim) {
		return errors.Errorf("cannot create an environment with provider %s: it creates things outside of this job; pass --kubeconfig with a management cluster that outlives the job", provider(claim))
	}
	s := &state{Claim: claim.Object, Kubeconfig: c.Kubeconfig, Started: time.Now()}
	if err := s.begin(c.Dir); err != nil {
		return err
	}
	t, err := newTracer(ctx, c.Dir, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close(ctx)) }()

	if c.Kubeconfig == "" {
		s.Made, s.Kubeconfig = true, filepath.Join(c.Dir, "management-kubeconfig")
		if err := s.save(c.Dir); err != nil {
			return err
		}
		if err := t.task(ctx, "make the management cluster", func(ctx context.Context) error { return c.MakeCluster(ctx, s.Kubeconfig) }); err != nil {
			return err
		}
	}
	k, err := newClient(s.Kubeconfig)
	if err != nil {
		return err
	}
	if err := t.task(ctx, "apply the claim", func(ctx context.Context) error { return k.apply(ctx, claim) }); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.Timeout, errors.Errorf("the claim is not Ready after %s", c.Timeout))
	defer cancel()
	for _, part := range parts() {
		if err := t.task(ctx, part.task, func(ctx context.Context) error { return k.wait(ctx, claim, part.condition) }); err != nil {
			return errors.Join(err, k.keep(context.WithoutCancel(ctx), claim, c.Dir))
		}
	}
	kubeconfig, err := k.outputs(ctx, claim, c.Dir)
	if err != nil {
		return err
	}
	t.tellPlatform(ctx, kubeconfig, k.collector(ctx, claim))
	return nil
}

// A part of a platform that a job waits for.
type part struct{ task, condition string }

// parts in the order in which they come up.
func parts() []part {
	return []part{
		{task: "wait for the cluster", condition: "ClusterReady"},
		{task: "wait for the stack", condition: "StackReady"},
		{task: "wait for the workloads", condition: "WorkloadsReady"},
		{task: "wait for the platform", condition: "Ready"},
	}
}

// readClaim reads the claim, and gives it a lifetime if it has none.
func readClaim(file, lifetime string) (*unstructured.Unstructured, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, errors.Wrap(err, "cannot read the claim")
	}
	o := &unstructured.Unstructured{}
	if err := yaml.UnmarshalStrict(b, &o.Object); err != nil {
		return nil, errors.Wrapf(err, "cannot read the claim in %s", file)
	}
	if o.GroupVersionKind().GroupKind() != platform().GroupKind() || o.GetName() == "" {
		return nil, errors.Errorf("%s holds no %s with a name", file, platform().Kind)
	}
	o.SetNamespace(cmp.Or(o.GetNamespace(), "default"))
	if _, ok, _ := unstructured.NestedString(o.Object, "spec", "lifetime"); !ok && lifetime != "" {
		if err := unstructured.SetNestedField(o.Object, lifetime, "spec", "lifetime"); err != nil {
			return nil, errors.Wrap(err, "cannot give the claim a lifetime")
		}
	}
	return o, nil
}

func provider(claim *unstructured.Unstructured) string {
	p, _, _ := unstructured.NestedString(claim.Object, "spec", "cluster", "provider")
	return p
}

// needsLastingCluster says whether a claim leaves something behind when the
// management cluster goes before it.
func needsLastingCluster(claim *unstructured.Unstructured) bool {
	return cluster.Describe(v1alpha1.ClusterParameters{Provider: v1alpha1.Provider(provider(claim))}).Place != backend.PlaceLocal
}

// outputs tells the job how to go on: on GitHub by its file for outputs.
// It returns the file with the platform's kubeconfig.
func (k *client) outputs(ctx context.Context, claim *unstructured.Unstructured, dir string) (string, error) {
	o, err := k.get(ctx, claim)
	if err != nil {
		return "", err
	}
	kubeconfig, err := k.platformKubeconfig(ctx, o, dir)
	if err != nil {
		return "", err
	}
	urls, _, _ := unstructured.NestedSlice(o.Object, "status", "urls")
	if urls == nil {
		urls = []any{}
	}
	j, err := json.Marshal(urls)
	if err != nil {
		return "", errors.Wrap(err, "cannot write the URLs")
	}
	text := fmt.Sprintf("kubeconfig=%s\nurls=%s\ndir=%s\n", kubeconfig, j, dir)
	fmt.Print(text)
	file := os.Getenv("GITHUB_OUTPUT")
	if file == "" {
		return kubeconfig, nil
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return "", errors.Wrap(err, "cannot write the outputs")
	}
	_, err = f.WriteString(text)
	return kubeconfig, errors.Wrap(errors.Join(err, f.Close()), "cannot write the outputs")
}
