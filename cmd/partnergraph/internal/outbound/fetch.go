package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/partnergraph/partnergraph/models"
)

// Limits of a fetch.
const (
	DefaultMaxBytes = 2 << 20
	DefaultTimeout  = 10 * time.Second
	maxRedirects    = 3
)

// Fetcher gets documents. The zero value is the one for production; it is safe for concurrent use.
type Fetcher struct {
	Guard

	// MaxBytes bounds a document; 0 = DefaultMaxBytes.
	MaxBytes int64
	// Timeout bounds a fetch from the look-up of the name to the last byte; 0 = DefaultTimeout.
	Timeout time.Duration
}

// Fetch returns the document at an address that CheckURL accepts, also after each of a few redirects. Nothing of ours is sent. Errors
// are INVALID models.Error whose text says what is wrong, and never what a server that was reached had to say.
func (f Fetcher) Fetch(ctx context.Context, address string) ([]byte, error) {
	limit, timeout := f.MaxBytes, f.Timeout
	if limit == 0 {
		limit = DefaultMaxBytes
	}
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := f.CheckURL(address); err != nil {
		return nil, unfetched(err.Error()+".", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, unfetched("it is not a URL.", err)
	}
	request.Header.Set("Accept", "application/samlmetadata+xml, application/xml, text/xml, */*;q=0.1")
	request.Header.Set("User-Agent", "partnergraph")
	client := f.Client()
	client.CheckRedirect = f.follow
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		return nil, explain(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, unfetched(fmt.Sprintf("it answered with status %d.", response.StatusCode), nil)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	switch {
	case err != nil:
		return nil, explain(err)
	case int64(len(body)) > limit:
		return nil, unfetched(fmt.Sprintf("the document is larger than %d bytes.", limit), nil)
	}
	return body, nil
}

// follow judges where a redirect leads as it judged the first address.
func (f Fetcher) follow(next *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return unfetched("it redirects too often.", nil)
	}
	next.Header.Del("Referer")
	if err := f.CheckURL(next.URL.String()); err != nil {
		return unfetched(err.Error()+".", err)
	}
	return nil
}

// explain words a failure without telling more of the network than whoever asks knows already.
func explain(err error) error {
	var ours *models.Error
	var refused *RefusedError
	var lookup *net.DNSError
	var late net.Error
	switch {
	case errors.As(err, &ours):
		return ours
	case errors.As(err, &refused):
		return unfetched("its address is not a public one.", err)
	case errors.As(err, &lookup) && !lookup.IsTimeout:
		return unfetched("its host name is not known.", err)
	case errors.As(err, &late) && late.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return unfetched("it did not answer in time.", err)
	}
	return unfetched("it cannot be reached, or its certificate is not valid.", err)
}

func unfetched(message string, cause error) *models.Error {
	var at *url.Error
	if errors.As(cause, &at) {
		cause = at.Err // without the address, which may hold what is nobody else's business
	}
	return &models.Error{Code: models.CodeInvalid, Field: "url", Message: "Nothing can be fetched from this address: " + message, Cause: cause}
}
