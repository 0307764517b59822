package models

import (
	"errors"
	"strings"
	"time"
)

// Code is the closed set of error codes that clients may rely on; it appears as extensions.code in every GraphQL error.
type Code string

// The codes. Adding one is an API change and belongs into docs/api.md.
const (
	CodeInvalid             Code = "INVALID"              // an input is malformed or out of range; Field says which
	CodeUnauthenticated     Code = "UNAUTHENTICATED"      // no credential, or one that is unknown, expired or revoked
	CodeForbidden           Code = "FORBIDDEN"            // the caller is known and may never do this
	CodeNotFound            Code = "NOT_FOUND"            // no such object, or none that the caller may see
	CodeConflict            Code = "CONFLICT"             // an idempotency key with another body, or a state that moved meanwhile
	CodeInsufficientBalance Code = "INSUFFICIENT_BALANCE" // the money does not suffice; Details carry the figures
	CodePreconditionFailed  Code = "PRECONDITION_FAILED"  // the object's state does not allow this; Details["reason"] says why
	CodeRateLimited         Code = "RATE_LIMITED"         // too many calls; Details["retryAfter"] is in seconds
	CodeTooComplex          Code = "TOO_COMPLEX"          // a query over a limit; Details name the limit and the figure
	CodeUnavailable         Code = "UNAVAILABLE"          // something this server needs is not there now; try again
	CodeInternal            Code = "INTERNAL"             // a fault of ours; the log has it under the request id
)

// Error is the only error type that crosses from a room to a door. Message is for people and never carries a secret.
type Error struct {
	Code    Code
	Message string
	Field   string         // the one input at fault, in API spelling; empty when there is none
	Details map[string]any // data a client needs; nil when there is none
	Cause   error          // for the log only, never shown
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause, which may be nil.
func (e *Error) Unwrap() error { return e.Cause }

// Is makes two errors equal when their codes, fields and reasons are, so that sentinels work with errors.Is.
func (e *Error) Is(target error) bool {
	var t *Error
	if !errors.As(target, &t) {
		return false
	}
	return e.Code == t.Code && (t.Field == "" || e.Field == t.Field) && (t.Reason() == "" || e.Reason() == t.Reason())
}

// Reason returns Details["reason"], the machine-readable reason of PRECONDITION_FAILED, or "".
func (e *Error) Reason() string {
	reason, _ := e.Details["reason"].(string)
	return reason
}

// ReasonOf returns the machine-readable reason of err, or "".
func ReasonOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason()
	}
	return ""
}

// Invalid says that an input is malformed or out of range.
func Invalid(field, message string) *Error {
	return &Error{Code: CodeInvalid, Field: field, Message: message}
}

// NotFound says that there is no such object, or none that the caller may see; the two are not told apart.
func NotFound(what string) *Error {
	return &Error{Code: CodeNotFound, Message: "There is no such " + what + ", or you may not see it."}
}

// Forbidden says that the caller may never do this.
func Forbidden(message string) *Error { return &Error{Code: CodeForbidden, Message: message} }

// Unauthenticated says that the call needs a valid credential.
func Unauthenticated(message string) *Error {
	return &Error{Code: CodeUnauthenticated, Message: message}
}

// Conflict says that the request clashes with what has happened before.
func Conflict(message string) *Error { return &Error{Code: CodeConflict, Message: message} }

// Precondition says that the state of the object does not allow this; reason is machine-readable, UPPER_SNAKE.
func Precondition(reason, message string) *Error {
	return &Error{Code: CodePreconditionFailed, Message: message, Details: map[string]any{"reason": reason}}
}

// RateLimited says that the caller has to wait.
func RateLimited(retryAfter time.Duration) *Error {
	seconds := int64((retryAfter + time.Second - 1) / time.Second)
	return &Error{Code: CodeRateLimited, Message: "Too many calls; wait and try again.", Details: map[string]any{"retryAfter": seconds}}
}

// AsError returns err as an *Error, or nil when it is a stranger.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// FieldOrNil returns Field, or nil when no single input is at fault.
func (e *Error) FieldOrNil() *string { return orNil(e.Field) }

// ReasonOrNil returns Reason, or nil when there is none.
func (e *Error) ReasonOrNil() *string { return orNil(e.Reason()) }

// CodeOf returns the code of err: INTERNAL for anything that is not an *Error, and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}

// Describe returns what may be kept of a failure: its code, and the text of our own errors, which is fit for people. A stranger's may
// carry values: the log has it.
func Describe(failure error) string {
	text := string(CodeOf(failure))
	var ours *Error
	if errors.As(failure, &ours) {
		text += ": " + ours.Message
	}
	// PostgreSQL refuses half a character.
	return strings.ToValidUTF8(text[:min(len(text), 500)], "")
}
