package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"
)

// RefusedError says that an address was not called because it is not public.
type RefusedError struct{ Addr netip.AddrPort }

// Error names the address, which is for logs: whoever gave the name must not learn what it leads to here.
func (e *RefusedError) Error() string { return "outbound: " + e.Addr.String() + " is not to be called" }

// AddressRefused tells it from other errors, for those who do not know this package.
func (*RefusedError) AddressRefused() bool { return true }

// Guard says what may be called, and makes clients that call nothing else. The zero value is ready: https to public
// addresses. It is safe for concurrent use.
type Guard struct {
	// Dev also allows this machine's loopback addresses, and plain http to them; never in production.
	Dev bool
	// Resolver resolves names; nil = the system's.
	Resolver *net.Resolver
	// Roots are the certificate authorities that are believed; nil = the system's.
	Roots *x509.CertPool
	// Also allows addresses that are not public, such as those of a metadata server inside; nil = none.
	Also func(netip.AddrPort) bool
}

// CheckURL refuses an address that could never be called, with an error for people. Where its name leads is looked at when it
// is called: it may lead elsewhere by then.
func (g Guard) CheckURL(raw string) error {
	odd := strings.ContainsFunc(raw, func(r rune) bool {
		return unicode.IsControl(r) || unicode.IsSpace(r) || r == '\\' || r > unicode.MaxASCII
	})
	u, err := url.Parse(raw)
	switch {
	case odd || err != nil || u.Hostname() == "" || u.Opaque != "" || strings.HasSuffix(u.Host, ":"):
		return errors.New("it must be an absolute URL in ASCII")
	case u.User != nil:
		return errors.New("it must not contain user information")
	case u.Fragment != "" || strings.Contains(raw, "#"):
		return errors.New("it must not have a fragment")
	case u.Scheme == "http" && g.Dev && loopbackName(u.Hostname()):
		return nil // on any port: that is where programs listen while they are written
	case u.Scheme != "https":
		return errors.New("it must be https")
	case !portAllowed(u.Port()):
		return errors.New("its port must be 443 or from 1024 to 65535")
	}
	return g.checkHost(u.Hostname(), u.Port())
}

// portAllowed keeps callers off the ports of other protocols, which all have their place below 1024.
func portAllowed(port string) bool {
	if port == "" || port == "443" {
		return true
	}
	n, err := strconv.Atoi(port)
	return err == nil && n >= 1024 && n <= 65535 && strconv.Itoa(n) == port
}

func (g Guard) checkHost(host, port string) error {
	if addr, err := netip.ParseAddr(host); err == nil {
		number, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			number = 443
		}
		if !g.allows(netip.AddrPortFrom(addr, uint16(number))) {
			return errors.New("its address is not a public one")
		}
		return nil
	}
	if g.Dev && loopbackName(host) {
		return nil
	}
	labels := strings.Split(strings.ToLower(strings.TrimSuffix(host, ".")), ".")
	last := labels[len(labels)-1]
	local := []string{"localhost", "local", "internal", "intranet", "lan", "home", "corp", "localdomain", "arpa", "onion"}
	// Resolvers of some systems read numbers such as 0x7f.1 or 2130706433 as addresses; no top-level domain is a number.
	if len(labels) < 2 || slices.Contains(labels, "") || slices.Contains(local, last) || strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x") {
		return errors.New("its name is not one of the public internet")
	}
	return nil
}

func loopbackName(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

func (g Guard) allows(at netip.AddrPort) bool {
	addr := at.Addr()
	return Public(addr) || g.Dev && !addr.Is4In6() && addr.IsLoopback() || g.Also != nil && g.Also(at)
}

// Client returns a client that calls what the guard allows: over TLS 1.2 or newer, without proxies, without following
// redirects, and without cookies. Requests need a context with a deadline.
func (g Guard) Client() *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second, Resolver: g.Resolver, ControlContext: g.control}
	return &http.Client{
		Transport: &http.Transport{
			Proxy: nil, DialContext: dialer.DialContext, ForceAttemptHTTP2: true, DisableCompression: true,
			TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: g.Roots},
			TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: 16 << 10,
			MaxIdleConns: 100, MaxIdleConnsPerHost: 4, IdleConnTimeout: 30 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// control is called with each address that is about to be connected to, after names were resolved.
func (g Guard) control(_ context.Context, network, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || (network != "tcp4" && network != "tcp6") {
		return fmt.Errorf("outbound: %s %s is not to be called", network, address)
	}
	if !g.allows(to) {
		return &RefusedError{Addr: to}
	}
	return nil
}
