// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
)

// An entry of a catalog with a field of its own.
type extended struct {
	Entry

	Namespace string `json:"namespace"`
}

func TestRead(t *testing.T) {
	const shop = `
name: shop
purpose: Sells.
project: {name: Shop, maturity: Sandbox, source: https://example.org, date: 2026-08}
chart: {repository: oci://example.org, name: shop, version: 1.2.3}
namespace: shops
requires: [till]
values: {replicas: 2}
`
	type want struct {
		entries map[string]extended
		err     string
	}
	cases := map[string]struct {
		reason string
		files  map[string]string
		want   want
	}{
		"Empty": {
			reason: "A folder without files is an empty catalog.",
			want:   want{entries: map[string]extended{}},
		},
		"Entry": {
			reason: "Everything about an entry is read, of the catalog's own fields too.",
			files:  map[string]string{"catalog/shop.yaml": shop},
			want: want{entries: map[string]extended{"shop": {
				Entry: Entry{
					Name:     "shop",
					Purpose:  "Sells.",
					Project:  Project{Name: "Shop", Maturity: Sandbox, Source: "https://example.org", Date: "2026-08"},
					Chart:    v1alpha1.Chart{Repository: "oci://example.org", Name: "shop", Version: "1.2.3"},
					Requires: []string{"till"},
					Values:   map[string]any{"replicas": float64(2)},
				},
				Namespace: "shops",
			}}},
		},
		"OtherFiles": {
			reason: "Only YAML files of this folder are entries.",
			files:  map[string]string{"catalog/README.md": "# Shops", "other/shop.yaml": shop, "catalog/more/shop.yaml": shop},
			want:   want{entries: map[string]extended{}},
		},
		"UnknownField": {
			reason: "A field that nobody reads is a mistake.",
			files:  map[string]string{"catalog/shop.yaml": shop + "purrpose: Sells.\n"},
			want:   want{err: `cannot read catalog/shop.yaml`},
		},
		"DuplicateField": {
			reason: "Of two fields with one name one would silently be lost.",
			files:  map[string]string{"catalog/shop.yaml": shop + "name: shop\n"},
			want:   want{err: `cannot read catalog/shop.yaml`},
		},
		"NotYAML": {
			reason: "An entry is YAML.",
			files:  map[string]string{"catalog/shop.yaml": "\tshop"},
			want:   want{err: `cannot read catalog/shop.yaml`},
		},
		"WrongFileName": {
			reason: "One looks for an entry in the file of its name.",
			files:  map[string]string{"catalog/till.yaml": shop},
			want:   want{err: `catalog/till.yaml holds an entry named "shop"`},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			files := fstest.MapFS{}
			for path, content := range tc.files {
				files[path] = &fstest.MapFile{Data: []byte(content)}
			}
			got, err := Read(files, "catalog", func(e *extended) *Entry { return &e.Entry })
			if diff := cmp.Diff(tc.want.entries, got); diff != "" {
				t.Errorf("\n%s\nRead(...): -want, +got:\n%s", tc.reason, diff)
			}
			switch {
			case tc.want.err == "" && err != nil:
				t.Errorf("\n%s\nRead(...): %v", tc.reason, err)
			case tc.want.err != "" && (err == nil || !strings.Contains(err.Error(), tc.want.err)):
				t.Errorf("\n%s\nRead(...): want an error with %q, got %v", tc.reason, tc.want.err, err)
			}
		})
	}
}

// TestReadPattern gives a folder that is no pattern.
func TestReadPattern(t *testing.T) {
	_, err := Read(fstest.MapFS{}, "[", func(e *extended) *Entry { return &e.Entry })
	if diff := cmp.Diff(cmpopts.AnyError, err, cmpopts.EquateErrors()); diff != "" {
		t.Errorf("Read(...): -want error, +got error:\n%s", diff)
	}
}
