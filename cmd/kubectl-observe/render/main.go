// SPDX-License-Identifier: Apache-2.0

// Command render shows what a claim becomes: every object that it creates, over
// all levels, without any cluster.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/simulate"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// CLI of render.
type CLI struct {
	File string `arg:""              help:"File with one or more objects of observe-k8s.io. - reads standard input."`
	Step int    `default:"-1"        help:"Show how things stand after so many rounds, instead of at the end."`
	Tree bool   `help:"Show a tree of names instead of YAML."`

	ManagementClusterNamespaces []string `help:"As the function's flag." placeholder:"NAMESPACE"`
}

// Run renders.
func (c *CLI) Run() error {
	claims, err := read(c.File)
	if err != nil {
		return err
	}
	s, err := simulate.New(compose.Settings{ManagementClusterNamespaces: c.ManagementClusterNamespaces}, claims...)
	if err != nil {
		return err
	}
	if c.Step < 0 {
		_, err = s.Converge()
	}
	for range max(c.Step, 0) {
		if _, err = s.Reconcile(); err != nil {
			break
		}
	}
	if err != nil {
		return err
	}
	if c.Tree {
		return tree(os.Stdout, s.Trees())
	}
	for _, o := range s.Composed() {
		raw, err := yaml.Marshal(o.Object)
		if err != nil {
			return err
		}
		if _, err := fmt.Printf("---\n%s", raw); err != nil {
			return err
		}
	}
	return nil
}

// read reads the objects of a file.
func read(file string) ([]*unstructured.Unstructured, error) {
	var raw []byte
	var err error
	if file == "-" {
		raw, err = io.ReadAll(os.Stdin)
	} else {
		raw, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, err
	}
	claims, err := simulate.Read(raw)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", file, err)
	}
	if len(claims) == 0 {
		return nil, fmt.Errorf("%s holds no object", file)
	}
	return claims, nil
}

func main() {
	ctx := kong.Parse(&CLI{}, kong.Name("render"), kong.Description("Show what a claim becomes."))
	ctx.FatalIfErrorf(ctx.Run())
}
