// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
)

// An authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// certificate for a server of this name and for clients, PEM encoded and with its
// key; that of the authority itself if there is none yet.
func (a *authority) certificate(t *testing.T, name string) (cert, key []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		tmpl.IsCA, tmpl.BasicConstraintsValid, tmpl.KeyUsage = true, true, x509.KeyUsageCertSign
		parent, signer = tmpl, k
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, k.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert == nil {
		a.key = k
		if a.cert, err = x509.ParseCertificate(der); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}

// client is a certificate to call with.
func (a *authority) client(t *testing.T) []tls.Certificate {
	t.Helper()
	pair, err := tls.X509KeyPair(a.certificate(t, "crossplane"))
	if err != nil {
		t.Fatal(err)
	}
	return []tls.Certificate{pair}
}

// TestMutualTLS proves that the function answers who has a certificate of
// Crossplane's authority, and nobody else.
func TestMutualTLS(t *testing.T) {
	ours, others := &authority{}, &authority{}
	ca, _ := ours.certificate(t, "ca")
	others.certificate(t, "others")
	cert, key := ours.certificate(t, "function")
	dir := t.TempDir()
	for name, content := range map[string][]byte{"ca.crt": ca, "tls.crt": cert, "tls.key": key} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	socket := filepath.Join(t.TempDir(), "s")
	served := make(chan error, 1)
	cli := &CLI{Network: "unix", Address: socket, TLSCertsDir: dir, MaxRecvMessageSize: 1}
	go func() { served <- cli.Run() }()

	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	with := func(certificates []tls.Certificate) credentials.TransportCredentials {
		return credentials.NewTLS(&tls.Config{ServerName: "function", RootCAs: roots, Certificates: certificates, MinVersion: tls.VersionTLS12})
	}
	check := func(creds credentials.TransportCredentials, wait bool) error {
		c, err := grpc.NewClient("passthrough:///unix", grpc.WithTransportCredentials(creds),
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, "unix", socket)
			}))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err = grpc_health_v1.NewHealthClient(c).Check(ctx, &grpc_health_v1.HealthCheckRequest{}, grpc.WaitForReady(wait))
		return err
	}
	if err := check(with(ours.client(t)), true); err != nil {
		t.Errorf("with a certificate of the authority: %v", err)
	}
	for who, creds := range map[string]credentials.TransportCredentials{
		"in the clear": insecure.NewCredentials(), "without a certificate": with(nil), "with a certificate of another authority": with(others.client(t)),
	} {
		if check(creds, false) == nil {
			t.Errorf("%s, somebody got an answer", who)
		}
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}
