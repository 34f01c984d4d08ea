// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/secure-systems-lab/go-securesystemslib/encrypted"
)

// keyFile writes a private key, as cosign does if there is a password.
func keyFile(t *testing.T, password string) (string, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	block := &pem.Block{Type: "PRIVATE KEY", Bytes: der}
	if password != "" {
		block.Type = "ENCRYPTED SIGSTORE PRIVATE KEY"
		if block.Bytes, err = encrypted.Encrypt(der, []byte(password)); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, key
}

// quiet is a registry that does not tell of every request.
func quiet() registry.Option { return registry.Logger(log.New(io.Discard, "", 0)) }

func TestKey(t *testing.T) {
	plain, _ := keyFile(t, "")
	cosign, _ := keyFile(t, "secret")
	none := filepath.Join(t.TempDir(), "none")
	if err := os.WriteFile(none, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		reason, file, password, err string
	}{
		"PKCS8":         {reason: "A key that openssl made needs no password.", file: plain},
		"Cosign":        {reason: "A key that cosign made is encrypted.", file: cosign, password: "secret"},
		"WrongPassword": {reason: "The message says where the password is read from.", file: cosign, password: "other", err: "COSIGN_PASSWORD"},
		"NoKey":         {reason: "What is no key is refused.", file: none, err: "holds no key in PEM"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := newKeySigner(tc.file, tc.password)
			if (err == nil) != (tc.err == "") || (err != nil && !strings.Contains(err.Error(), tc.err)) {
				t.Errorf("\n%s\nnewKeySigner(...): error is %v, want one with %q", tc.reason, err, tc.err)
			}
		})
	}
}

// TestSign signs as cosign does, once per key, and keeps what others signed.
func TestSign(t *testing.T) {
	server := httptest.NewServer(registry.New(quiet()))
	t.Cleanup(server.Close)
	img, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	tag, err := Target{Registry: strings.TrimPrefix(server.URL, "http://"), Version: "v1"}.ref("image")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, img); err != nil {
		t.Fatal(err)
	}
	ref := tag.Context().Digest(digest(t, img))
	var keys []*ecdsa.PrivateKey
	for range 2 {
		file, key := keyFile(t, "")
		signer, err := newKeySigner(file, "")
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
		for range 2 {
			if err := signer.Sign(t.Context(), ref); err != nil {
				t.Fatal(err)
			}
		}
	}

	signatures, err := remote.Image(tag.Context().Tag(strings.Replace(digest(t, img), ":", "-", 1) + ".sig"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := signatures.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Layers) != 2 {
		t.Fatalf("want one signature of each of two keys, got %d", len(m.Layers))
	}
	for i, l := range m.Layers {
		layer, err := signatures.LayerByDigest(l.Digest)
		if err != nil {
			t.Fatal(err)
		}
		r, err := layer.Compressed()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(content, []byte(`"docker-manifest-digest":"`+ref.DigestStr()+`"`)) {
			t.Errorf("the signature is for something else: %s", content)
		}
		signature, err := base64.StdEncoding.DecodeString(l.Annotations["dev.cosignproject.cosign/signature"])
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(content)
		if !ecdsa.VerifyASN1(&keys[i].PublicKey, sum[:], signature) {
			t.Errorf("signature %d is not one of key %d", i, i)
		}
	}
}

// TestSBOM pushes a package and finds beside it, twice in the same bytes, what is
// in it.
func TestSBOM(t *testing.T) {
	server := httptest.NewServer(registry.New(quiet(), registry.WithReferrersSupport(true)))
	t.Cleanup(server.Close)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		reason string
		build  func() (Image, error)
		want   []string
	}{
		"Function": {
			reason: "The modules of a program are listed, and the standard library.",
			build:  func() (Image, error) { return Function(root, "v1.2.3", "arm64", binary) },
			want:   []string{"pkg:golang/github.com/google/go-containerregistry@v", "pkg:golang/stdlib@1."},
		},
		"Configuration": {
			reason: "The packages that a configuration needs are listed.",
			build:  func() (Image, error) { return Configuration(root, "v1.2.3") },
			want:   []string{"pkg:oci/function-observe-k8s?repository_url=xpkg.crossplane.io/observe-k8s/function-observe-k8s"},
		},
	}
	for title, tc := range cases {
		t.Run(title, func(t *testing.T) {
			img, err := tc.build()
			if err != nil {
				t.Fatal(err)
			}
			target := Target{Registry: strings.TrimPrefix(server.URL, "http://"), Version: "v1"}
			tag, err := target.ref(strings.ToLower(title))
			if err != nil {
				t.Fatal(err)
			}
			if err := remote.Write(tag, img); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := PushSBOM(t.Context(), target, tag.Context(), img); err != nil {
					t.Fatal(err)
				}
			}
			found := referrers(t, tag.Context().Digest(digest(t, img)))
			if len(found) != 1 {
				t.Fatalf("want one list beside the image, however often it is pushed, got %d", len(found))
			}
			list := struct {
				SpecVersion string
				Components  []struct{ PURL string }
			}{}
			if err := json.Unmarshal(artifact(t, tag.Context(), "application/vnd.cyclonedx+json", found[0].Digest), &list); err != nil {
				t.Fatal(err)
			}
			for _, want := range tc.want {
				ok := false
				for _, c := range list.Components {
					ok = ok || strings.HasPrefix(c.PURL, want)
				}
				if !ok {
					t.Errorf("\n%s\nwant a component %s…, got %v", tc.reason, want, list.Components)
				}
			}
		})
	}
}

// referrers of what is at a digest.
func referrers(t *testing.T, ref name.Digest) []v1.Descriptor {
	t.Helper()
	index, err := remote.Referrers(ref)
	if err != nil {
		t.Fatal(err)
	}
	m, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	return m.Manifests
}

// artifact is the content of the only layer at a digest, which is of a type.
func artifact(t *testing.T, repository name.Repository, typ string, at v1.Hash) []byte {
	t.Helper()
	img, err := remote.Image(repository.Digest(at.String()))
	if err != nil {
		t.Fatal(err)
	}
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(typ, m.ArtifactType); diff != "" {
		t.Errorf("type: -want, +got:\n%s", diff)
	}
	layers, err := img.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("want one layer, got %d: %v", len(layers), err)
	}
	r, err := layers[0].Compressed()
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
