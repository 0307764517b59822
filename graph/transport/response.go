package transport

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// statusByCode is what an answer without data means in HTTP; anything else is 400.
func statusByCode(code string) int {
	switch code {
	case "UNAUTHENTICATED":
		return http.StatusUnauthorized
	case codeForbidden:
		return http.StatusForbidden
	case "RATE_LIMITED":
		return http.StatusTooManyRequests
	case codeInternal:
		return http.StatusInternalServerError
	case codeUnavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusBadRequest
	}
}

// write answers with what the executor returned. Under application/json a well-formed request is 200 whatever became of
// it; under application/graphql-response+json the status tells whether there is data.
func write(w http.ResponseWriter, media string, resp *graphql.Response) {
	status := http.StatusOK
	if media == mediaResponse && len(resp.Data) == 0 && len(resp.Errors) > 0 {
		status = statusByCode(codeOf(resp.Errors[0]))
	}
	writeStatus(w, status, media, resp)
}

// writeRefusal answers a request that never reached the executor.
func writeRefusal(w http.ResponseWriter, media string, r *refusal) {
	writeStatus(w, r.status, media, &graphql.Response{Errors: bound(gqlerror.List{r.err})})
}

// writeStatus writes the parts of resp one after the other. The data is JSON already and as large as it gets, so it is
// never marshalled again; without data there is no data member, as the specification asks of a request error.
func writeStatus(w http.ResponseWriter, status int, media string, resp *graphql.Response) {
	var head, tail []byte
	head = append(head, '{')
	if len(resp.Errors) > 0 {
		errs, err := json.Marshal(resp.Errors)
		if err != nil {
			errs = []byte(`[{"message":"internal error","extensions":{"code":"INTERNAL"}}]`)
		}
		head = append(append(head, `"errors":`...), errs...)
	}
	if len(resp.Data) > 0 {
		head = separate(head)
		head = append(head, `"data":`...)
	}
	if len(resp.Extensions) > 0 {
		if extensions, err := json.Marshal(resp.Extensions); err == nil {
			if len(resp.Data) > 0 || len(head) > 1 {
				tail = append(tail, ',')
			}
			tail = append(append(tail, `"extensions":`...), extensions...)
		}
	}
	tail = append(tail, '}')

	h := w.Header()
	h.Set("Content-Type", media+"; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(head)+len(resp.Data)+len(tail)))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Add("Vary", "Accept")
	w.WriteHeader(status)
	for _, part := range [][]byte{head, resp.Data, tail} {
		if _, err := w.Write(part); err != nil {
			return
		}
	}
}

// separate puts a comma after a member that came before.
func separate(head []byte) []byte {
	if len(head) > 1 {
		return append(head, ',')
	}
	return head
}
