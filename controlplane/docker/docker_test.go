// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/observe-k8s/observe-k8s/controlplane"
	"github.com/observe-k8s/observe-k8s/controlplane/checkout"
	"github.com/observe-k8s/observe-k8s/controlplane/skip"
)

// engine that the tests of this package share.
var engine *Engine

func TestMain(m *testing.M) {
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runTests(m *testing.M) (int, error) {
	root, err := checkout.Find("")
	if err != nil {
		return 1, err
	}
	cache, err := controlplane.CacheDir()
	if err != nil {
		return 1, err
	}
	engine, err = Up(context.Background(), Options{Root: root, Cache: cache, Output: os.Stdout})
	if errors.Is(err, ErrUnavailable) {
		return 0, skip.Check("docker", err)
	}
	if err != nil {
		return 1, err
	}
	defer engine.Down()
	return m.Run(), nil
}

// TestNodeImage makes a cluster with nothing but the node image, to see that the
// image itself is good.
func TestNodeImage(t *testing.T) {
	image, err := engine.NodeImage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out, err := engine.Docker(t.Context(), "image", "inspect", "-f", "{{.Size}}", image)
	t.Log(image, out, err, filepath.Base(engine.Log()))
}
