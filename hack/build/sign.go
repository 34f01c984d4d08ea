// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"os"
	"os/exec"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/secure-systems-lab/go-securesystemslib/encrypted"
	"github.com/sigstore/sigstore/pkg/signature/payload"
)

// How cosign keeps a signature beside what it signs. Crossplane v2.4 looks for
// this form, and not yet for the bundles that cosign v3 writes by default.
// https://github.com/sigstore/cosign/blob/v3.0.6/specs/SIGNATURE_SPEC.md
const (
	simpleSigning types.MediaType = "application/vnd.dev.cosign.simplesigning.v1+json"
	signatureKey  string          = "dev.cosignproject.cosign/signature"
)

// A Signer signs what was pushed.
type Signer interface {
	// Sign what is at a digest.
	Sign(ctx context.Context, ref name.Digest) error
}

// A keySigner signs with a key on this machine, without a network: nothing is
// told to a public log.
type keySigner struct {
	key *ecdsa.PrivateKey
}

// newKeySigner reads a private key: one that cosign generate-key-pair made, with
// its password, or a PKCS #8 key in PEM.
func newKeySigner(file, password string) (*keySigner, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, errors.Wrap(err, "cannot read the key to sign with")
	}
	block, _ := pem.Decode(content)
	if block == nil {
		return nil, errors.Errorf("%s holds no key in PEM", file)
	}
	der := block.Bytes
	if strings.HasPrefix(block.Type, "ENCRYPTED ") {
		if der, err = encrypted.Decrypt(der, []byte(password)); err != nil {
			return nil, errors.Wrapf(err, "cannot decrypt %s: its password is read from COSIGN_PASSWORD", file)
		}
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, errors.Wrapf(err, "cannot read the key in %s", file)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.Errorf("%s holds a %T: only ECDSA keys sign here, such as cosign generate-key-pair makes", file, parsed)
	}
	return &keySigner{key: key}, nil
}

// Sign adds a signature beside those that are there. What this key has signed
// already is not signed again.
func (s *keySigner) Sign(ctx context.Context, ref name.Digest) error {
	opts := Target{}.options(ctx)
	content, err := json.Marshal(payload.Cosign{Image: ref})
	if err != nil {
		return errors.Wrap(err, "cannot write what is signed")
	}
	tag := ref.Context().Tag(strings.Replace(ref.DigestStr(), ":", "-", 1) + ".sig")
	img, err := remote.Image(tag, opts...)
	if isNotFound(err) {
		img, err = mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON), nil
	}
	if err != nil {
		return errors.Wrapf(err, "cannot look for signatures of %s", ref)
	}
	signed, err := s.signed(img, content)
	if err != nil || signed {
		return errors.Wrapf(err, "cannot read the signatures of %s", ref)
	}
	digest := sha256.Sum256(content)
	signature, err := s.key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return errors.Wrapf(err, "cannot sign %s", ref)
	}
	img, err = mutate.Append(img, mutate.Addendum{
		Layer:       static.NewLayer(content, simpleSigning),
		Annotations: map[string]string{signatureKey: base64.StdEncoding.EncodeToString(signature)},
	})
	if err != nil {
		return errors.Wrapf(err, "cannot sign %s", ref)
	}
	return errors.Wrapf(remote.Write(tag, img, opts...), "cannot push the signature of %s", ref)
}

// signed says whether a signature of this key for the same content is there.
func (s *keySigner) signed(signatures v1.Image, content []byte) (bool, error) {
	m, err := signatures.Manifest()
	if err != nil {
		return false, errors.Wrap(err, "cannot read the signatures")
	}
	digest := sha256.Sum256(content)
	want, _, err := v1.SHA256(bytes.NewReader(content))
	if err != nil {
		return false, errors.Wrap(err, "cannot take the digest of what is signed")
	}
	for _, l := range m.Layers {
		signature, err := base64.StdEncoding.DecodeString(l.Annotations[signatureKey])
		if err == nil && l.Digest == want && ecdsa.VerifyASN1(&s.key.PublicKey, digest[:], signature) {
			return true, nil
		}
	}
	return false, nil
}

// isNotFound says whether a registry has no such thing.
func isNotFound(err error) bool {
	te := &transport.Error{}
	return errors.As(err, &te) && te.StatusCode == http.StatusNotFound
}

// keyless signs with the identity of whoever runs this, such as a job of a CI
// system. The program cosign does it: it gets a certificate for a moment, and
// tells the public log.
type keyless struct{}

// Sign in the form that Crossplane reads.
func (keyless) Sign(ctx context.Context, ref name.Digest) error {
	cmd := exec.CommandContext(ctx, "cosign", "sign", "--yes", "--new-bundle-format=false", "--use-signing-config=false", ref.String())
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	return errors.Wrapf(cmd.Run(), "cannot sign %s with cosign", ref)
}
