package scalar

import (
	"context"
	"encoding/json"
	"io"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// MarshalJSON writes an open-ended object, such as an event's details; a nil map is null. The API uses it for output.
func MarshalJSON(v map[string]any) graphql.ContextMarshaler {
	return graphql.ContextWriterFunc(func(_ context.Context, w io.Writer) error {
		b, err := json.Marshal(v)
		if err != nil {
			return &gqlerror.Error{
				Err:        err,
				Message:    "this object cannot be written as JSON",
				Extensions: map[string]any{"code": "INTERNAL"},
			}
		}
		_, err = w.Write(b)
		return err
	})
}

// UnmarshalJSON reads an object as the transport decoded it; gqlgen asks for both directions. Anything but an object is
// INVALID.
func UnmarshalJSON(_ context.Context, v any) (map[string]any, error) {
	object, ok := v.(map[string]any)
	if !ok {
		return nil, invalid("a JSON value must be sent as an object, not as %s", kind(v))
	}
	return object, nil
}
