// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const interval = 100 * time.Millisecond

// Wait until a condition holds. The condition may fail for as long as there is
// time; its last error is part of the one returned.
func Wait(ctx context.Context, timeout time.Duration, what string, cond func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var last error
	for {
		ok, err := cond(ctx)
		if ok {
			return nil
		}
		if err != nil && ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			cause := context.Cause(ctx)
			if errors.Is(cause, context.DeadlineExceeded) {
				cause = fmt.Errorf("not within %s", timeout)
			}
			return errors.Join(fmt.Errorf("cannot wait for %s: %w", what, cause), last)
		case <-time.After(interval):
		}
	}
}

// Condition returns an object's condition of the given type, or an empty one.
func Condition(o *unstructured.Unstructured, typ string) (status, reason, message string) {
	conds, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, c := range conds {
		m, ok := c.(map[string]any)
		if !ok || m["type"] != typ {
			continue
		}
		status, _ = m["status"].(string)
		reason, _ = m["reason"].(string)
		message, _ = m["message"].(string)
		return status, reason, message
	}
	return "", "", ""
}

// WaitCondition waits until a condition of an object is true.
func (c *Client) WaitCondition(ctx context.Context, timeout time.Duration, gvk schema.GroupVersionKind, namespace, name, typ string) error {
	return Wait(ctx, timeout, fmt.Sprintf("%s %s to be %s", gvk.Kind, name, typ), func(ctx context.Context) (bool, error) {
		o, err := c.Get(ctx, gvk, namespace, name)
		if err != nil || o == nil {
			return false, err
		}
		status, reason, message := Condition(o, typ)
		if status == "True" {
			return true, nil
		}
		return false, fmt.Errorf("condition %s is %q: %s %s", typ, status, reason, message)
	})
}
