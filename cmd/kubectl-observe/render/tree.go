// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"

	"github.com/observe-k8s/observe-k8s/functions/simulate"
)

// tree prints claims and what is below them, one object a line.
func tree(w io.Writer, nodes []simulate.Node) error {
	for _, n := range nodes {
		if _, err := fmt.Fprintf(w, "%s/%s\n", n.Object.GetKind(), n.Object.GetName()); err != nil {
			return err
		}
		if err := branches(w, n.Children, ""); err != nil {
			return err
		}
		for _, c := range n.Conditions {
			if c.Ready {
				continue
			}
			if _, err := fmt.Fprintf(w, "%s: %s: %s\n", c.Type, c.Reason, c.Message); err != nil {
				return err
			}
		}
	}
	return nil
}

func branches(w io.Writer, nodes []simulate.Node, indent string) error {
	for i, n := range nodes {
		branch, below := "├─ ", "│  "
		if i == len(nodes)-1 {
			branch, below = "└─ ", "   "
		}
		if _, err := fmt.Fprintf(w, "%s%s%s/%s\n", indent, branch, n.Object.GetKind(), n.Object.GetName()); err != nil {
			return err
		}
		if err := branches(w, n.Children, indent+below); err != nil {
			return err
		}
	}
	return nil
}
