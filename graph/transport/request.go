package transport

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// documentIDKey is where a documentId travels on from here: gqlgen's parameters have no field for it.
const documentIDKey = "documentId"

// payload is the body of a request. Pointers tell a missing or null member from an empty one.
type payload struct {
	Query         *string        `json:"query"`
	OperationName *string        `json:"operationName"`
	Variables     map[string]any `json:"variables"`
	Extensions    map[string]any `json:"extensions"`
	DocumentID    *string        `json:"documentId"`
}

// refusal is an answer to a request that never became an operation.
type refusal struct {
	status int
	err    *gqlerror.Error
}

func refuse(status int, code, message string) *refusal {
	return &refusal{status, newError(code, message)}
}

// readBody reads the parameters of a POST, of at most limit bytes.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) (*graphql.RawParams, *refusal) {
	if !isJSON(r) {
		return nil, refuse(http.StatusUnsupportedMediaType, codeInvalid,
			"send the request as JSON, with Content-Type: application/json in UTF-8 and without Content-Encoding")
	}
	start := graphql.Now()
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			tooLarge := refuse(http.StatusRequestEntityTooLarge, "TOO_COMPLEX", "the request body is larger than this server allows")
			tooLarge.err.Extensions["details"] = map[string]any{"limit": "bodyBytes", "allowed": limit}
			return nil, tooLarge
		}
		return nil, refuse(http.StatusBadRequest, codeInvalid, "the request body could not be read")
	}
	var p payload
	if refused := decode(raw, &p); refused != nil {
		return nil, refused
	}
	params, refused := p.params(r)
	if refused != nil {
		return nil, refused
	}
	params.ReadTime = graphql.TraceTiming{Start: start, End: graphql.Now()}
	return params, nil
}

// decode reads one JSON object and explains in plain words what is wrong with anything else.
func decode(raw []byte, p *payload) *refusal {
	trimmed := bytes.TrimLeft(raw, " \t\r\n")
	if len(trimmed) == 0 {
		return refuse(http.StatusBadRequest, codeInvalid, "the request body is empty; send a JSON object with a query")
	}
	if trimmed[0] == '[' {
		return refuse(http.StatusBadRequest, codeInvalid, "this server takes one operation per request; send a JSON object, not an array")
	}
	dec := json.NewDecoder(bytes.NewReader(trimmed))
	dec.UseNumber()
	if err := dec.Decode(p); err != nil {
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
			return refuse(http.StatusBadRequest, codeInvalid, wrongMember(wrong.Field))
		}
		return refuse(http.StatusBadRequest, codeInvalid, "the request body is not a JSON object")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return refuse(http.StatusBadRequest, codeInvalid, "the request body goes on after its JSON object")
	}
	return nil
}

func wrongMember(name string) string {
	switch name {
	case "variables", "extensions":
		return `"` + name + `" must be a JSON object or null`
	case "query", "operationName", documentIDKey:
		return `"` + name + `" must be a string or null`
	default:
		return "a member of the request has a value of the wrong kind"
	}
}

// readURL reads the parameters of a GET.
func readURL(r *http.Request) (*graphql.RawParams, *refusal) {
	start := graphql.Now()
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, codeInvalid, "the URL's query string is malformed")
	}
	var p payload
	for name, member := range map[string]**string{
		"query": &p.Query, "operationName": &p.OperationName, documentIDKey: &p.DocumentID,
	} {
		if values.Has(name) {
			value := values.Get(name)
			*member = &value
		}
	}
	for name, member := range map[string]*map[string]any{"variables": &p.Variables, "extensions": &p.Extensions} {
		if text := values.Get(name); text != "" {
			dec := json.NewDecoder(bytes.NewReader([]byte(text)))
			dec.UseNumber()
			if err := dec.Decode(member); err != nil || dec.More() {
				return nil, refuse(http.StatusBadRequest, codeInvalid, wrongMember(name))
			}
		}
	}
	params, refused := p.params(r)
	if refused != nil {
		return nil, refused
	}
	params.ReadTime = graphql.TraceTiming{Start: start, End: graphql.Now()}
	return params, nil
}

// params makes gqlgen's parameters, provided the request says in some way which document it means.
func (p *payload) params(r *http.Request) (*graphql.RawParams, *refusal) {
	params := &graphql.RawParams{Variables: p.Variables, Extensions: p.Extensions, Headers: r.Header}
	if p.Query != nil {
		params.Query = *p.Query
	}
	if p.OperationName != nil {
		params.OperationName = *p.OperationName
	}
	if p.DocumentID != nil {
		if params.Extensions == nil {
			params.Extensions = map[string]any{}
		}
		params.Extensions[documentIDKey] = *p.DocumentID
	}
	if params.Query == "" && params.Extensions[documentIDKey] == nil && params.Extensions[persistedQueryKey] == nil {
		return nil, refuse(http.StatusBadRequest, codeInvalid, `the request has no "query"`)
	}
	return params, nil
}
