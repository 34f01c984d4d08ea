// SPDX-License-Identifier: Apache-2.0

package render

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	renderv1alpha1 "github.com/crossplane/crossplane/v2/proto/render/v1alpha1"
	"github.com/observe-k8s/observe-k8s/controlplane"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/simulate"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// An engine is Crossplane's own: the reconciler of composite resources over an
// API server in memory, behind which our function runs.
type engine struct {
	crossplane   string
	function     string
	compositions map[string]*unstructured.Unstructured
}

// start the function and find the engine.
func start(t *testing.T, function string) engine {
	t.Helper()
	crossplane, err := controlplane.Program(t.Context(), controlplane.Options{Output: os.Stdout}, "crossplane")
	if err != nil {
		t.Fatal(err)
	}
	e := engine{crossplane: crossplane, function: "unix://" + serve(t, function), compositions: map[string]*unstructured.Unstructured{}}
	for _, c := range read(t, filepath.Join(root, "compositions", "*.yaml")) {
		kind, _, _ := unstructured.NestedString(c.Object, "spec", "compositeTypeRef", "kind")
		e.compositions[kind] = c
	}
	return e
}

// serve runs the function until the test ends, and returns its socket.
func serve(t *testing.T, binary string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fn") //nolint:usetesting // The test's folder is too long a name for a socket on some systems.
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "s")
	var log bytes.Buffer
	cmd := exec.CommandContext(t.Context(), binary, "--insecure", "--network=unix", "--address="+socket, "--metrics-address=")
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatalf("cannot start the function, which make binaries builds: %v", err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(exited)
	}()
	t.Cleanup(func() {
		<-exited
		_ = os.RemoveAll(dir)
		if t.Failed() {
			t.Logf("the function said:\n%s", log.String())
		}
	})
	for {
		if _, err := os.Stat(socket); err == nil {
			return socket
		}
		select {
		case <-exited:
			t.Fatal("the function ended")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// render reconciles a composite resource once, in the world that a composer of
// the simulation saw.
func (e engine) render(ctx context.Context, w compose.Request) (*renderv1alpha1.CompositeOutput, error) {
	composition := e.compositions[w.XR.GetKind()]
	if composition == nil {
		return nil, fmt.Errorf("no composition composes a %s", w.XR.GetKind())
	}
	in := &renderv1alpha1.CompositeInput{}
	var err error
	xr := w.XR.DeepCopy()
	xr.SetUID("composite")
	if in.CompositeResource, err = toStruct(xr); err != nil {
		return nil, err
	}
	if in.Composition, err = toStruct(composition); err != nil {
		return nil, err
	}
	steps, _, _ := unstructured.NestedSlice(composition.Object, "spec", "pipeline")
	for _, s := range steps {
		step, _ := s.(map[string]any)
		name, _, _ := unstructured.NestedString(step, "functionRef", "name")
		in.Functions = append(in.Functions, &renderv1alpha1.FunctionInput{Name: name, Address: e.function})
	}
	var observed, required []*unstructured.Unstructured
	for _, o := range w.Observed {
		o = o.DeepCopy()
		// Crossplane deletes only what the composite controls.
		o.SetOwnerReferences([]metav1.OwnerReference{*metav1.NewControllerRef(xr, xr.GroupVersionKind())})
		observed = append(observed, o)
	}
	for _, found := range w.Required {
		required = append(required, found...)
	}
	if in.ObservedResources, err = toStructs(observed); err != nil {
		return nil, err
	}
	if in.RequiredResources, err = toStructs(required); err != nil {
		return nil, err
	}
	req, err := proto.Marshal(&renderv1alpha1.RenderRequest{Input: &renderv1alpha1.RenderRequest_Composite{Composite: in}})
	if err != nil {
		return nil, err
	}

	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, e.crossplane, "internal", "render", "--timeout=30s")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(req), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, stderr.String())
	}
	rsp := &renderv1alpha1.RenderResponse{}
	if err := proto.Unmarshal(stdout.Bytes(), rsp); err != nil {
		return nil, err
	}
	return rsp.GetComposite(), nil
}

func toStructs(objs []*unstructured.Unstructured) ([]*structpb.Struct, error) {
	out := make([]*structpb.Struct, 0, len(objs))
	for _, o := range objs {
		s, err := toStruct(o)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func toStruct(o *unstructured.Unstructured) (*structpb.Struct, error) {
	b, err := json.Marshal(o.Object)
	if err != nil {
		return nil, err
	}
	s := &structpb.Struct{}
	return s, protojson.Unmarshal(b, s)
}

// read the objects of files.
func read(t *testing.T, glob string) []*unstructured.Unstructured {
	t.Helper()
	files, err := filepath.Glob(glob)
	if err != nil {
		t.Fatal(err)
	}
	var out []*unstructured.Unstructured
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		objs, err := simulate.Read(b)
		if err != nil {
			t.Fatalf("cannot read %s: %v", f, err)
		}
		out = append(out, objs...)
	}
	if len(out) == 0 {
		t.Fatalf("nothing in %s", glob)
	}
	return out
}
