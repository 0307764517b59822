package netguard

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/partnergraph/partnergraph/models"
)

// Limits of a fetch.
const (
	DefaultMaxBytes = 2 << 20
	DefaultTimeout  = 10 * time.Second
	maxRedirects    = 3
	maxHeader       = 64 << 10 // bytes
)

// ErrNotPublic is the cause of a refused connection: the address does not belong to the public internet.
var ErrNotPublic = errors.New("netguard: the address is not public")

// Client fetches. The zero value is the one for production; it is safe for concurrent use.
type Client struct {
	// Dev also allows this machine, by http too; never in production.
	Dev bool
	// MaxBytes bounds a document; 0 = DefaultMaxBytes.
	MaxBytes int64
	// Timeout bounds a fetch from the look-up of the name to the last byte; 0 = DefaultTimeout.
	Timeout time.Duration
	// Resolver looks names up; nil = the system's. What it answers is judged again when a connection is made.
	Resolver *net.Resolver
	// Roots are whose certificates are trusted; nil = the system's.
	Roots *x509.CertPool
	// Also allows addresses that are not public; nil = none.
	Also func(netip.AddrPort) bool
}

// Fetch returns the document at an https address. Every address that a name stands for at the moment of the connection must be public,
// also after each redirect; no proxy of the environment is asked and nothing of ours is sent. Errors are INVALID models.Error whose
// text says what is wrong, and never what a server that was reached had to say.
func (c Client) Fetch(ctx context.Context, address string) ([]byte, error) {
	limit, timeout := c.MaxBytes, c.Timeout
	if limit == 0 {
		limit = DefaultMaxBytes
	}
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	target, err := url.Parse(address)
	if err != nil {
		return nil, refuse("The address is not a URL.", err)
	}
	if err := c.check(target); err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, refuse("The address is not a URL.", err)
	}
	request.Header.Set("Accept", "application/samlmetadata+xml, application/xml, text/xml, */*;q=0.1")
	request.Header.Set("User-Agent", "partnergraph")
	client := c.client()
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		return nil, explain(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, refuse(fmt.Sprintf("The address answered with status %d.", response.StatusCode), nil)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	switch {
	case err != nil:
		return nil, explain(err)
	case int64(len(body)) > limit:
		return nil, refuse(fmt.Sprintf("The document is larger than %d bytes.", limit), nil)
	}
	return body, nil
}

// client is one that forgets everything: cookies, connections, proxies, sessions.
func (c Client) client() *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: -1, Resolver: c.Resolver, Control: c.control}
	return &http.Client{
		Transport: &http.Transport{
			Proxy: nil, DialContext: dialer.DialContext, DisableKeepAlives: true, TLSHandshakeTimeout: 5 * time.Second,
			ResponseHeaderTimeout: 10 * time.Second, MaxResponseHeaderBytes: maxHeader, ForceAttemptHTTP2: false,
			TLSClientConfig: &tls.Config{RootCAs: c.Roots, MinVersion: tls.VersionTLS12},
			// A small answer must not become a large one in memory before it is counted.
			DisableCompression: true,
		},
		CheckRedirect: func(next *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return refuse("The address redirects too often.", nil)
			}
			next.Header.Del("Referer")
			return c.check(next.URL)
		},
	}
}

// check judges an address before anything is looked up.
func (c Client) check(u *url.URL) error {
	host := u.Hostname()
	switch {
	case u.Opaque != "" || host == "":
		return refuse("The address is not a URL with a host.", nil)
	case u.User != nil:
		return refuse("The address has a user name or password in it.", nil)
	case u.Scheme != "https" && (!c.Dev || u.Scheme != "http" || !models.IsLoopbackHost(host)):
		return refuse("The address is not https.", nil)
	}
	// A literal address is judged here as well, so that the refusal does not depend on a connection.
	if addr, err := netip.ParseAddr(host); err == nil && !c.allowed(netip.AddrPortFrom(addr, portOf(u))) {
		return refuse("The address is not on the public internet.", ErrNotPublic)
	}
	return nil
}

// control runs after the name was looked up and before the connection is made, for the very address that is connected to: whatever a
// name server answers the next time cannot matter.
func (c Client) control(network, address string, _ syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" {
		return ErrNotPublic
	}
	at, err := netip.ParseAddrPort(address)
	if err != nil || !c.allowed(at) {
		return ErrNotPublic
	}
	return nil
}

func (c Client) allowed(at netip.AddrPort) bool {
	return Public(at.Addr()) || c.Dev && at.Addr().Unmap().IsLoopback() || c.Also != nil && c.Also(at)
}

func portOf(u *url.URL) uint16 {
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil {
		return 443
	}
	return uint16(port)
}

// Public reports whether an address belongs to the public internet. Addresses that stand for another one (IPv4 in IPv6 in whatever
// way) are not: what they lead to is decided elsewhere.
func Public(addr netip.Addr) bool {
	addr = addr.WithZone("").Unmap()
	if !addr.IsGlobalUnicast() || addr.IsPrivate() {
		return false
	}
	for _, prefix := range special() {
		if prefix.Contains(addr) {
			return false
		}
	}
	return !addr.Is6() || netip.MustParsePrefix("2000::/3").Contains(addr)
}

// special are the ranges of the registries of special-purpose addresses (RFC 6890 and later) that IsGlobalUnicast and IsPrivate leave in.
func special() []netip.Prefix {
	var prefixes []netip.Prefix
	for _, text := range strings.Fields(`
		0.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 192.0.0.0/24 192.0.2.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24
		192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 240.0.0.0/4
		::/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10`) {
		prefixes = append(prefixes, netip.MustParsePrefix(text))
	}
	return prefixes
}

// explain words a failure without telling more of the network than whoever asks knows already.
func explain(err error) error {
	var ours *models.Error
	var lookup *net.DNSError
	var late net.Error
	switch {
	case errors.As(err, &ours):
		return ours
	case errors.Is(err, ErrNotPublic):
		return refuse("The address is not on the public internet.", err)
	case errors.As(err, &lookup) && !lookup.IsTimeout:
		return refuse("The host name is not known.", err)
	case errors.As(err, &late) && late.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return refuse("The address did not answer in time.", err)
	}
	return refuse("The address cannot be reached, or its certificate is not valid.", err)
}

func refuse(message string, cause error) *models.Error {
	return &models.Error{Code: models.CodeInvalid, Field: "url", Message: "The document cannot be fetched: " + message, Cause: cause}
}
