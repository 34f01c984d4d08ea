// SPDX-License-Identifier: Apache-2.0

package cloud

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// Google plays the endpoint that gives Google's clients their tokens, until stop
// is called. It writes to file what GOOGLE_APPLICATION_CREDENTIALS may name: the
// key of an account that nobody knows but this endpoint. The tokens mean nothing
// to anybody: who asks a simulated cluster is known by the kubeconfig.
func Google(ctx context.Context, addr, file string) (stop func() error, err error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("cannot make a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("cannot encode the key: %w", err)
	}
	b, err := json.Marshal(map[string]string{
		"type":           "service_account",
		"project_id":     "simulated",
		"private_key_id": "simulated",
		"private_key":    string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"client_email":   "simulated@simulated.iam.gserviceaccount.com",
		"client_id":      "0",
		"token_uri":      "http://" + addr + "/token",
	})
	if err != nil {
		return nil, fmt.Errorf("cannot encode credentials: %w", err)
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		return nil, fmt.Errorf("cannot write credentials: %w", err)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen: %w", err)
	}
	srv := &http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprint(w, `{"access_token": "simulated", "token_type": "Bearer", "expires_in": 3600}`)
		}),
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	return func() error {
		if err := srv.Close(); err != nil {
			return fmt.Errorf("cannot close the simulated server of tokens: %w", err)
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}, nil
}
