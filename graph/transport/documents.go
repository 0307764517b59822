package transport

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// persistedQueryKey is the request extension of automatic persisted queries.
const persistedQueryKey = "persistedQuery"

// documents finds the document of a request that sends its id or hash instead, and holds callers to trusted documents.
// A document is remembered under its hash only once it has been validated and is within the guard's limits, so that
// strangers cannot fill the cache with junk.
type documents struct {
	cache       graphql.Cache[string] // nil: nothing is remembered
	trusted     map[string]string
	trustedText map[string]bool // by the hash of the text
	only        func(context.Context) bool
}

var (
	_ graphql.HandlerExtension          = (*documents)(nil)
	_ graphql.OperationParameterMutator = (*documents)(nil)
	_ graphql.OperationContextMutator   = (*documents)(nil)
)

func newDocuments(cfg Config) *documents {
	d := &documents{cache: cfg.PersistedQueries, trusted: cfg.TrustedDocuments, trustedText: map[string]bool{}, only: cfg.TrustedOnly}
	for _, text := range cfg.TrustedDocuments {
		d.trustedText[hash(text)] = true
	}
	if d.only == nil {
		restricted := cfg.TrustedDocuments != nil
		d.only = func(context.Context) bool { return restricted }
	}
	return d
}

func (*documents) ExtensionName() string                   { return "Documents" }
func (*documents) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters puts the document into params. An unknown id or hash is PERSISTED_QUERY_NOT_FOUND, text
// from a caller held to trusted documents FORBIDDEN, a malformed extension INVALID.
func (d *documents) MutateOperationParameters(ctx context.Context, params *graphql.RawParams) *gqlerror.Error {
	if err := d.byDocumentID(params); err != nil {
		return err
	}
	if err := d.byHash(ctx, params); err != nil {
		return err
	}
	if params.Query == "" {
		return newError(codeInvalid, `the request has no "query"`)
	}
	if d.only(ctx) && !d.trustedText[hash(params.Query)] {
		return newError(codeForbidden, "this client may only use trusted documents; send the documentId of one")
	}
	return nil
}

func (d *documents) byDocumentID(params *graphql.RawParams) *gqlerror.Error {
	value, ok := params.Extensions[documentIDKey]
	if !ok || value == nil {
		return nil
	}
	id, ok := value.(string)
	if !ok {
		return newError(codeInvalid, `"documentId" must be a string`)
	}
	if params.Query != "" {
		return newError(codeInvalid, `send either "documentId" or "query", not both`)
	}
	text, ok := d.trusted[id]
	if !ok {
		text, ok = d.trusted[strings.TrimPrefix(id, "sha256:")]
	}
	if !ok {
		return newError(codePersistedNotFound, "this server knows no document of this id")
	}
	params.Query = text
	return nil
}

func (d *documents) byHash(ctx context.Context, params *graphql.RawParams) *gqlerror.Error {
	value, ok := params.Extensions[persistedQueryKey]
	if !ok || value == nil {
		return nil
	}
	extension, _ := value.(map[string]any)
	sum, _ := extension["sha256Hash"].(string)
	if fmt.Sprint(extension["version"]) != "1" || !isHash(sum) {
		return newError(codeInvalid, `"extensions.persistedQuery" must be {"version": 1, "sha256Hash": "64 lower-case hex digits"}`)
	}
	if params.Query != "" {
		if hash(params.Query) != sum {
			return newError(codeInvalid, "the hash of the persisted query is not that of its text")
		}
		graphql.GetOperationContext(ctx).Stats.SetExtension(d.ExtensionName(), sum)
		return nil
	}
	text, ok := d.trusted[sum]
	if !ok && d.cache != nil {
		text, ok = d.cache.Get(ctx, sum)
		// The cache is shared and may be wrong; the hash says what was asked for.
		ok = ok && hash(text) == sum
	}
	if !ok {
		// Clients recognise this very message.
		return newError(codePersistedNotFound, "PersistedQueryNotFound")
	}
	params.Query = text
	return nil
}

// MutateOperationContext runs after the guard's and remembers a document that came with its hash.
func (d *documents) MutateOperationContext(ctx context.Context, opCtx *graphql.OperationContext) *gqlerror.Error {
	sum, ok := opCtx.Stats.GetExtension(d.ExtensionName()).(string)
	if ok && d.cache != nil && len(opCtx.RawQuery) <= maxRemembered {
		d.cache.Add(ctx, sum, opCtx.RawQuery)
	}
	return nil
}

// maxRemembered is how many bytes of text a document may have to be kept, parsed or persisted: a stranger may send any
// number of documents of a megabyte each.
const maxRemembered = 16 << 10

// modest keeps the parsed form of documents up to maxRemembered; longer ones are parsed each time they come.
type modest struct {
	graphql.Cache[*ast.QueryDocument]
}

func (m modest) Add(ctx context.Context, text string, doc *ast.QueryDocument) {
	if len(text) <= maxRemembered {
		m.Cache.Add(ctx, text, doc)
	}
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func isHash(s string) bool {
	return len(s) == 2*sha256.Size && strings.Trim(s, "0123456789abcdef") == ""
}
