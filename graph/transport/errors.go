package transport

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/partnergraph/partnergraph/graph/guard"
)

// The codes of the closed set (graph/schema) that this package gives by itself.
const (
	codeInvalid           = "INVALID"
	codeForbidden         = "FORBIDDEN"
	codeUnavailable       = "UNAVAILABLE"
	codeInternal          = "INTERNAL"
	codePersistedNotFound = "PERSISTED_QUERY_NOT_FOUND"
)

const (
	// maxErrors is how many errors an answer holds; a document can be wrong in a thousand places.
	maxErrors = 10
	// maxMessage is how many characters a message holds; a validation message repeats what was sent.
	maxMessage = 300
)

func newError(code, message string) *gqlerror.Error {
	return &gqlerror.Error{Message: message, Extensions: map[string]any{"code": code}}
}

func codeOf(err *gqlerror.Error) string {
	code, _ := err.Extensions["code"].(string)
	return code
}

// bound keeps the errors within maxErrors and maxMessage. Where a limit was broken, only that is said: what else is
// wrong with an oversized document is noise.
func bound(list gqlerror.List) gqlerror.List {
	for _, err := range list {
		if codeOf(err) == guard.CodeTooComplex {
			list = gqlerror.List{err}
			break
		}
	}
	list = list[:min(len(list), maxErrors)]
	for _, err := range list {
		err.Message = clip(err.Message)
	}
	return list
}

// clip cuts s to maxMessage characters, whole ones, the last of them an ellipsis if any were lost.
func clip(s string) string {
	if len(s) <= maxMessage {
		return s
	}
	s = strings.ToValidUTF8(s[:min(len(s), utf8.UTFMax*maxMessage+utf8.UTFMax)], "\uFFFD")
	runes := []rune(s)
	if len(runes) <= maxMessage {
		return s
	}
	return string(runes[:maxMessage-1]) + "…"
}

// requestErrors gives a code to the errors of a request that will not be executed. The executor has marked every error
// of its validation rules as a validation failure; a broken limit gets its own code back.
func requestErrors(list gqlerror.List) gqlerror.List {
	for _, err := range list {
		if err.Extensions == nil {
			err.Extensions = map[string]any{}
		}
		if _, ok := errors.AsType[*guard.LimitError](err); ok {
			err.Extensions["code"] = guard.CodeTooComplex
		} else if strings.Contains(err.Message, "exceeded token limit") {
			// The parser has no typed error for this one.
			err.Extensions["code"] = guard.CodeTooComplex
			err.Extensions["details"] = map[string]any{"limit": "tokens"}
		}
		if codeOf(err) == "" {
			err.Extensions["code"] = codeInvalid
		}
	}
	return bound(list)
}

// presenter puts inner behind what this package knows better: errors with a code pass as they are, an argument that
// could not be read is the caller's fault, and a failure after the operation's deadline is the deadline.
func presenter(inner graphql.ErrorPresenterFunc) graphql.ErrorPresenterFunc {
	if inner == nil {
		inner = func(ctx context.Context, _ error) *gqlerror.Error {
			return &gqlerror.Error{Message: "internal error", Path: graphql.GetPath(ctx)}
		}
	}
	return func(ctx context.Context, err error) *gqlerror.Error {
		given, isGraphQL := errors.AsType[*gqlerror.Error](err)
		if isGraphQL && codeOf(given) != "" {
			setField(ctx, given)
			return given
		}
		if isGraphQL && argumentFailed(ctx) {
			return unreadable(ctx, given)
		}
		shown := inner(ctx, err)
		if shown == nil {
			return nil
		}
		if shown.Extensions == nil {
			shown.Extensions = map[string]any{}
		}
		if codeOf(shown) == "" {
			shown.Extensions["code"] = codeInternal
		}
		if codeOf(shown) == codeInternal && errors.Is(context.Cause(ctx), errDeadline) {
			late := deadlineError()
			late.Path, late.Locations = shown.Path, shown.Locations
			return late
		}
		return shown
	}
}

// argumentFailed says whether the current field's arguments could not be read: a field that takes some has none.
func argumentFailed(ctx context.Context) bool {
	fc := graphql.GetFieldContext(ctx)
	return fc != nil && fc.Args == nil && fc.Field.Field != nil && fc.Field.Definition != nil && len(fc.Field.Definition.Arguments) > 0
}

// unreadable is INVALID in place of an error of gqlgen's own scalars and enums, whose text speaks of Go.
func unreadable(ctx context.Context, err *gqlerror.Error) *gqlerror.Error {
	shown := newError(codeInvalid, "the value of this argument is not one of its type")
	shown.Path, shown.Locations = err.Path, err.Locations
	setField(ctx, shown)
	if field, ok := shown.Extensions["field"].(string); ok {
		shown.Message = "the value of " + field + " is not one of its type"
	}
	return shown
}

// setField adds extensions.field to an INVALID error that happened inside an argument, such as first, or amount of a
// mutation's input: the rooms do not name the input either. gqlgen continues the field's path with the names of the
// argument and of its members.
func setField(ctx context.Context, err *gqlerror.Error) {
	if codeOf(err) != codeInvalid || err.Extensions["field"] != nil || !argumentFailed(ctx) {
		return
	}
	at := graphql.GetFieldContext(ctx).Path()
	if len(err.Path) <= len(at) {
		return
	}
	err.Extensions["field"] = strings.TrimPrefix(err.Path[len(at):].String(), "input.")
	err.Path = at
}
