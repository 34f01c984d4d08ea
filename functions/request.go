// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"unicode/utf8"

	"github.com/crossplane/function-sdk-go/errors"
	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"google.golang.org/grpc/encoding"
	grpcproto "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// A request is what the function reads of a RunFunctionRequest. Its objects are
// decoded into what composers read at once, without a protobuf message for each
// value on the way, and without who manages which field of them: with both,
// decoding takes more time and memory than all the rest of a run.
type request struct {
	tag     string
	desired *fnv1.State
	context *structpb.Struct
	world   compose.Request
}

// A codec decodes requests, and leaves other messages to gRPC's own codec.
type codec struct{ encoding.CodecV2 }

func newCodec() codec { return codec{encoding.GetCodecV2(grpcproto.Name)} }

// Unmarshal decodes a message.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	req, ok := v.(*request)
	if !ok {
		return c.CodecV2.Unmarshal(data, v)
	}
	return req.decode(data.Materialize())
}

// skipFields says which keys of an object are left out, and which of those below
// them. In a list it applies to every value.
type skipFields map[string]skipFields

// unreadFields is what nobody reads of an object.
func unreadFields() skipFields {
	return skipFields{"metadata": {"managedFields": nil}}
}

// unreadOfComposite is what nobody reads of a composite resource: when its fields
// were written is read.
func unreadOfComposite() skipFields {
	return skipFields{"metadata": {"managedFields": {"fieldsV1": nil}}}
}

// decode an encoded RunFunctionRequest. Its fields and those of the messages
// below are numbered as in run_function.proto of the SDK and in struct.proto of
// protobuf.
func (r *request) decode(raw []byte) error {
	r.world = compose.Request{
		XR:       &unstructured.Unstructured{Object: map[string]any{}},
		Observed: map[string]*unstructured.Unstructured{},
		Required: map[string][]*unstructured.Unstructured{},
	}
	meta := &fnv1.RequestMeta{}
	err := eachField(raw, func(f field) error {
		switch f.number {
		case 1:
			return f.message(meta)
		case 2:
			return eachField(f.bytes, r.observed)
		case 3:
			if r.desired == nil {
				r.desired = &fnv1.State{}
			}
			return f.message(r.desired)
		case 5:
			if r.context == nil {
				r.context = &structpb.Struct{}
			}
			return f.message(r.context)
		case 8:
			name, items, err := f.entry()
			if err != nil {
				return err
			}
			r.world.Required[name], err = required(items)
			return err
		}
		return nil
	})
	r.tag = meta.GetTag()
	return err
}

// observed reads a field of the observed State.
func (r *request) observed(f field) error {
	switch f.number {
	case 1:
		return resourceObject(r.world.XR, f.bytes, unreadOfComposite())
	case 2:
		name, raw, err := f.entry()
		if err != nil {
			return err
		}
		o := &unstructured.Unstructured{Object: map[string]any{}}
		r.world.Observed[name] = o
		return resourceObject(o, raw, unreadFields())
	}
	return nil
}

// required are the objects of encoded Resources.
func required(raw []byte) ([]*unstructured.Unstructured, error) {
	out := []*unstructured.Unstructured{}
	err := eachField(raw, func(f field) error {
		if f.number != 1 {
			return nil
		}
		o := &unstructured.Unstructured{Object: map[string]any{}}
		out = append(out, o)
		return resourceObject(o, f.bytes, unreadFields())
	})
	return out, err
}

// resourceObject reads the object of an encoded Resource.
func resourceObject(o *unstructured.Unstructured, raw []byte, w skipFields) error {
	return eachField(raw, func(f field) error {
		if f.number != 1 {
			return nil
		}
		return object(o.Object, f.bytes, w, 0)
	})
}

// maxDepth is how deep values may be within each other. The API server admits no
// object that comes near.
const maxDepth = 1000

// object reads an encoded Struct.
func object(into map[string]any, raw []byte, w skipFields, depth int) error {
	if depth > maxDepth {
		return errors.Errorf("an object is more than %d levels deep", maxDepth)
	}
	return eachField(raw, func(f field) error {
		if f.number != 1 {
			return nil
		}
		key, raw, err := f.entry()
		if err != nil {
			return err
		}
		below, ok := w[key]
		if ok && below == nil {
			return nil
		}
		into[key], err = value(raw, below, depth)
		return err
	})
}

// value reads an encoded Value, to what structpb makes of it, but for numbers.
func value(raw []byte, w skipFields, depth int) (v any, err error) {
	err = eachValue(raw, func(f field) error {
		switch {
		case f.number == 1 && f.kind == protowire.VarintType:
			v = nil
		case f.number == 2 && f.kind == protowire.Fixed64Type:
			v = number(math.Float64frombits(f.bits))
		case f.number == 3 && f.kind == protowire.BytesType:
			v, err = f.text()
			return err
		case f.number == 4 && f.kind == protowire.VarintType:
			v = protowire.DecodeBool(f.bits)
		case f.number == 5 && f.kind == protowire.BytesType:
			m := map[string]any{}
			v = m
			return object(m, f.bytes, w, depth+1)
		case f.number == 6 && f.kind == protowire.BytesType:
			v, err = list(f.bytes, w, depth+1)
			return err
		}
		return nil
	})
	return v, err
}

// number as JSON can say it, and as Kubernetes reads it: whole numbers are int64.
// Protobuf has floating-point numbers only. Nothing behind this looks for them.
func number(n float64) any {
	switch {
	case math.IsNaN(n):
		return "NaN"
	case math.IsInf(n, +1):
		return "Infinity"
	case math.IsInf(n, -1):
		return "-Infinity"
	case n == math.Trunc(n) && math.Abs(n) <= 1<<53:
		return int64(n)
	}
	return n
}

// list reads an encoded ListValue.
func list(raw []byte, w skipFields, depth int) ([]any, error) {
	if depth > maxDepth {
		return nil, errors.Errorf("an object is more than %d levels deep", maxDepth)
	}
	out := []any{}
	err := eachField(raw, func(f field) error {
		if f.number != 1 {
			return nil
		}
		v, err := value(f.bytes, w, depth)
		out = append(out, v)
		return err
	})
	return out, err
}

// A field of an encoded message.
type field struct {
	number protowire.Number
	kind   protowire.Type
	// bytes of a field that is a message, text or bytes.
	bytes []byte
	// bits of a number.
	bits uint64
}

// eachField calls f with the fields of an encoded message that are messages, text
// or bytes.
func eachField(raw []byte, f func(field) error) error {
	return eachValue(raw, func(x field) error {
		if x.kind != protowire.BytesType {
			return nil
		}
		return f(x)
	})
}

// eachValue calls f with the fields of an encoded message.
func eachValue(raw []byte, f func(field) error) error {
	for len(raw) > 0 {
		number, kind, n := protowire.ConsumeTag(raw)
		if n < 0 {
			return errors.Wrap(protowire.ParseError(n), "cannot decode a field")
		}
		raw = raw[n:]
		x := field{number: number, kind: kind}
		switch kind {
		case protowire.BytesType:
			x.bytes, n = protowire.ConsumeBytes(raw)
		case protowire.VarintType:
			x.bits, n = protowire.ConsumeVarint(raw)
		case protowire.Fixed64Type:
			x.bits, n = protowire.ConsumeFixed64(raw)
		default:
			n = protowire.ConsumeFieldValue(number, kind, raw)
		}
		if n < 0 {
			return errors.Wrap(protowire.ParseError(n), "cannot decode a field")
		}
		raw = raw[n:]
		if err := f(x); err != nil {
			return err
		}
	}
	return nil
}

// entry of a map from names to messages.
func (f field) entry() (name string, message []byte, err error) {
	err = eachField(f.bytes, func(x field) error {
		switch x.number {
		case 1:
			name, err = x.text()
			return err
		case 2:
			message = x.bytes
		}
		return nil
	})
	return name, message, err
}

// text of a field, which protobuf wants to be UTF-8.
func (f field) text() (string, error) {
	if !utf8.Valid(f.bytes) {
		return "", errors.New("a string is not UTF-8")
	}
	return string(f.bytes), nil
}

// message reads a field into a message.
func (f field) message(m proto.Message) error {
	return errors.Wrap(proto.UnmarshalOptions{Merge: true}.Unmarshal(f.bytes, m), "cannot decode a message")
}
