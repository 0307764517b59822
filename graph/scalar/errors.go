package scalar

import (
	"encoding/json"
	"fmt"

	"github.com/vektah/gqlparser/v2/gqlerror"
)

// codeInvalid is the closed set's code for an input that is malformed or out of range.
const codeInvalid = "INVALID"

// invalid builds the refusal of one value. A new error each time, since gqlgen writes the path into it.
func invalid(format string, args ...any) *gqlerror.Error {
	return &gqlerror.Error{
		Message:    fmt.Sprintf(format, args...),
		Extensions: map[string]any{"code": codeInvalid},
	}
}

// kind names what a client sent in the words of JSON, so that the refusal needs no knowledge of Go.
func kind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, float32, float64, json.Number:
		return "a number"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	default:
		return "a value of another kind"
	}
}
