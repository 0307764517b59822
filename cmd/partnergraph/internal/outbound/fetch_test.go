package outbound_test

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/outbound"
	"github.com/partnergraph/partnergraph/models"
)

// stage is a server that stands for a public one, beside one that must never be reached.
type stage struct {
	outbound.Fetcher
	public *httptest.Server
	hits   atomic.Int32 // of the secret one
	secret *httptest.Server
}

func newStage(t *testing.T, handle http.HandlerFunc) *stage {
	t.Helper()
	s := &stage{}
	s.public = httptest.NewTLSServer(handle)
	s.secret = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.hits.Add(1)
		_, _ = io.WriteString(w, "secret")
	}))
	t.Cleanup(s.public.Close)
	t.Cleanup(s.secret.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.public.Certificate())
	roots.AddCert(s.secret.Certificate())
	public := netip.MustParseAddrPort(s.public.Listener.Addr().String())
	s.Fetcher = outbound.Fetcher{
		Guard: outbound.Guard{Roots: roots, Also: func(at netip.AddrPort) bool { return at == public }}, MaxBytes: 1000, Timeout: 2 * time.Second,
	}
	return s
}

// wantRefusal checks that the error is one for the caller, and that the secret server was left alone.
func (s *stage) wantRefusal(t *testing.T, err error, says string) {
	t.Helper()
	var refusal *models.Error
	if !errors.As(err, &refusal) || refusal.Code != models.CodeInvalid || !strings.Contains(refusal.Message, says) {
		t.Errorf("%v, want a refusal that says %q", err, says)
	}
	if s.hits.Load() > 0 {
		t.Error("the server inside was reached")
	}
}

func TestFetch(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(w http.ResponseWriter, r *http.Request) {
		for _, header := range []string{"Cookie", "Authorization", "Referer", "Accept-Encoding"} {
			if r.Header.Get(header) != "" {
				t.Errorf("the request tells %s", header)
			}
		}
		if r.URL.Path == "/old" {
			http.Redirect(w, r, "/new", http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, strings.Repeat("x", 1000))
	})
	for _, path := range []string{"/", "/old"} {
		got, err := s.Fetch(t.Context(), s.public.URL+path)
		if err != nil || len(got) != 1000 {
			t.Errorf("%s: %d bytes, %v", path, len(got), err)
		}
	}
}

// TestProxiesOfTheEnvironmentAreNotAsked cannot run beside others: it sets the environment.
func TestProxiesOfTheEnvironmentAreNotAsked(t *testing.T) {
	s := newStage(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "direct") })
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "ALL_PROXY"} {
		t.Setenv(name, "http://127.0.0.1:1")
	}
	if got, err := s.Fetch(t.Context(), s.public.URL); err != nil || string(got) != "direct" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestAddressesThatAreNotAsked(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(http.ResponseWriter, *http.Request) { t.Error("the request was sent") })
	port := s.public.URL[strings.LastIndex(s.public.URL, ":"):]
	for address, says := range map[string]string{
		s.secret.URL:           "not a public one",
		"https://[::1]" + port: "not a public one",
		"https://[::ffff:127.0.0.1]" + port + "1": "",
		"https://169.254.169.254/latest":          "not a public one",
		"https://10.0.0.1":                        "not a public one",
		"https://[fd00::1]":                       "not a public one",
		"https://[64:ff9b::7f00:1]":               "not a public one",
		"https://[fe80::1%25eth0]":                "not a public one",
		"http://127.0.0.1" + port:                 "must be https",
		"http://metadata.example.com":             "must be https",
		"ftp://127.0.0.1":                         "must be https",
		"file:///etc/passwd":                      "",
		"https://":                                "",
		"https:opaque":                            "",
		"https://me:secret@127.0.0.1" + port:      "user information",
		"https://me@127.0.0.1" + port:             "user information",
		"gopher://127.0.0.1":                      "must be https",
		"%":                                       "absolute URL",
	} {
		_, err := s.Fetch(t.Context(), address)
		s.wantRefusal(t, err, says)
	}
}

func TestRedirectsAreJudgedAgain(t *testing.T) {
	t.Parallel()
	var to atomic.Pointer[string]
	s := newStage(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, *to.Load(), http.StatusFound) })
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { s.hits.Add(1) }))
	defer plain.Close()
	for target, says := range map[string]string{
		s.secret.URL:                     "not a public one",
		"https://169.254.169.254/":       "not a public one",
		"https://[::ffff:10.0.0.1]/":     "not a public one",
		plain.URL:                        "must be https",
		"http://metadata.example.com/":   "must be https",
		"https://a:b@127.0.0.1/":         "user information",
		"file:///etc/passwd":             "",
		"javascript:alert(1)":            "",
		s.public.URL + "/round-and-back": "redirects too often",
	} {
		to.Store(&target)
		_, err := s.Fetch(t.Context(), s.public.URL)
		s.wantRefusal(t, err, says)
	}
}

// nameServer answers every name with the next of these addresses, over and over.
func nameServer(t *testing.T, addresses ...string) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	var asked atomic.Int32
	go func() {
		buffer := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			var query dnsmessage.Message
			if query.Unpack(buffer[:n]) != nil {
				continue
			}
			reply := dnsmessage.Message{Header: dnsmessage.Header{ID: query.ID, Response: true, RecursionAvailable: true}, Questions: query.Questions}
			address := netip.MustParseAddr(addresses[int(asked.Add(1)-1)%len(addresses)])
			head := dnsmessage.ResourceHeader{Name: query.Questions[0].Name, Class: dnsmessage.ClassINET, TTL: 0}
			switch {
			case address.Is4() && query.Questions[0].Type == dnsmessage.TypeA:
				head.Type = dnsmessage.TypeA
				reply.Answers = []dnsmessage.Resource{{Header: head, Body: &dnsmessage.AResource{A: address.As4()}}}
			case address.Is6() && query.Questions[0].Type == dnsmessage.TypeAAAA:
				head.Type = dnsmessage.TypeAAAA
				reply.Answers = []dnsmessage.Resource{{Header: head, Body: &dnsmessage.AAAAResource{AAAA: address.As16()}}}
			}
			packed, err := reply.Pack()
			if err == nil {
				_, _ = conn.WriteTo(packed, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// TestNamesCannotLeadInside: the address that is connected to is judged, not the name and not an answer before (DNS rebinding).
func TestNamesCannotLeadInside(t *testing.T) {
	t.Parallel()
	for name, addresses := range map[string][]string{
		"this machine":      {"127.0.0.1"},
		"over IPv6":         {"::1"},
		"mapped":            {"::ffff:127.0.0.1"},
		"cloud metadata":    {"169.254.169.254"},
		"another each time": {"10.0.0.1", "127.0.0.1", "192.168.0.1", "::1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, func(http.ResponseWriter, *http.Request) { t.Error("the request was sent") })
			s.Resolver = nameServer(t, addresses...)
			_, port, _ := net.SplitHostPort(s.secret.Listener.Addr().String())
			for range 4 {
				_, err := s.Fetch(t.Context(), "https://metadata.example.com:"+port+"/")
				s.wantRefusal(t, err, "")
			}
		})
	}
}

// TestNamesOfPublicServersAreFollowed shows that the name server of these tests works: without it the test above would prove nothing.
func TestNamesOfPublicServersAreFollowed(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "metadata") })
	s.Resolver = nameServer(t, "127.0.0.1")
	_, port, _ := net.SplitHostPort(s.public.Listener.Addr().String())
	if got, err := s.Fetch(t.Context(), "https://example.com:"+port+"/"); err != nil || string(got) != "metadata" { // the test certificate's name
		t.Errorf("%q, %v", got, err)
	}
}

func TestServersThatMisbehave(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		handle http.HandlerFunc
		says   string
	}{
		"a byte too many": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("x", 1001)) }, "larger than 1000"},
		"an endless body": {func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 4096)); err != nil {
					return
				}
			}
		}, "larger than 1000"},
		"a slow body": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, "x")
				_ = http.NewResponseController(w).Flush()
				time.Sleep(20 * time.Millisecond)
			}
		}, "in time"},
		"silence":        {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "in time"},
		"endless header": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 1<<20)) }, "cannot be reached"},
		"not found":      {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "inside story", http.StatusNotFound) }, "status 404"},
		"no content":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, "status 204"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, c.handle)
			s.Timeout = 500 * time.Millisecond
			started := time.Now()
			_, err := s.Fetch(t.Context(), s.public.URL)
			s.wantRefusal(t, err, c.says)
			if strings.Contains(err.Error(), "inside story") {
				t.Error("the refusal tells what the server said")
			}
			if took := time.Since(started); took > 5*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

func TestUntrustedCertificatesAreRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(http.ResponseWriter, *http.Request) { t.Error("the request was sent") })
	s.Roots = x509.NewCertPool()
	_, err := s.Fetch(t.Context(), s.public.URL)
	s.wantRefusal(t, err, "certificate")
}

// TestDevelopmentReachesThisMachineOnly: plain http to a loopback host, and still nothing inside the network.
func TestDevelopmentReachesThisMachineOnly(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "metadata") }))
	defer plain.Close()
	dev := outbound.Fetcher{Guard: outbound.Guard{Dev: true}}
	if got, err := dev.Fetch(t.Context(), plain.URL); err != nil || string(got) != "metadata" {
		t.Errorf("%q, %v", got, err)
	}
	for _, address := range []string{"http://10.0.0.1/", "https://10.0.0.1/", "https://169.254.169.254/", "http://example.com/"} {
		if _, err := dev.Fetch(t.Context(), address); models.CodeOf(err) != models.CodeInvalid {
			t.Errorf("%s: %v", address, err)
		}
	}
}
