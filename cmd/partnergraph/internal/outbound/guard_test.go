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
)

func TestOnlyPublicAddressesArePublic(t *testing.T) {
	t.Parallel()
	for class, addresses := range map[string][]string{
		"loopback":          {"127.0.0.1", "127.255.255.255", "::1"},
		"private":           {"10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255"},
		"link-local":        {"169.254.0.1", "169.254.169.254", "fe80::1", "febf::1", "fe80::1%eth0"},
		"unique local":      {"fc00::1", "fd00:ec2::254", "fdff::1"},
		"site-local":        {"fec0::1"},
		"carrier-grade NAT": {"100.64.0.1", "100.127.255.255", "100.100.100.200"},
		"multicast":         {"224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"},
		"unspecified":       {"0.0.0.0", "0.1.2.3", "::"},
		"broadcast":         {"255.255.255.255", "240.0.0.1"},
		"IPv4-mapped":       {"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::ffff:a9fe:a9fe"},
		"IPv4-compatible":   {"::127.0.0.1", "::8.8.8.8"},
		"IPv4-translated":   {"::ffff:0:127.0.0.1"},
		"NAT64":             {"64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b::808:808", "64:ff9b:1::a00:1"},
		"6to4 and Teredo":   {"2002:7f00:1::", "2002:a00:1::1", "2001::1", "2001:0:53aa:64c:0:7fff:f5ff:fffe"},
		"documentation":     {"192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"},
		"benchmarks":        {"198.18.0.1", "198.19.255.255", "2001:2::1"},
		"others":            {"192.0.0.1", "192.88.99.1", "100::1", "5f00::1", "4000::1"},
	} {
		for _, text := range addresses {
			if outbound.Public(netip.MustParseAddr(text)) {
				t.Errorf("%s: %s is public", class, text)
			}
		}
	}
	for _, text := range []string{
		"8.8.8.8", "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1", "169.253.255.255",
		"172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "223.255.255.255", "2606:4700:4700::1111", "2400:3200::1", "2a00:1450::1",
	} {
		if !outbound.Public(netip.MustParseAddr(text)) {
			t.Errorf("%s is not public", text)
		}
	}
	if outbound.Public(netip.Addr{}) {
		t.Error("no address is public")
	}
}

func TestCheckURL(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]struct{ ok, dev bool }{
		"https://shop.example.com/hooks?x=1":      {true, true},
		"https://shop.example.com:443/":           {true, true},
		"https://shop.example.com:8443/":          {true, true},
		"https://8.8.8.8/":                        {true, true},
		"https://[2606:4700:4700::1111]/":         {true, true},
		"https://xn--fiq228c.example.com/":        {true, true},
		"http://shop.example.com/":                {false, false},
		"http://127.0.0.1:9000/":                  {false, true},
		"http://localhost/":                       {false, true},
		"http://store.localhost:8081/":            {false, true},
		"http://[::1]:9000/":                      {false, true},
		"https://127.0.0.1:9000/":                 {false, true},
		"https://localhost:9000/":                 {false, true},
		"http://10.0.0.1/":                        {false, false},
		"https://10.0.0.1/":                       {false, false},
		"https://169.254.169.254/latest":          {false, false},
		"https://[::ffff:127.0.0.1]/":             {false, false},
		"https://[64:ff9b::7f00:1]/":              {false, false},
		"https://[fe80::1%25eth0]/":               {false, false},
		"https://shop.example.com:22/":            {false, false},
		"https://shop.example.com:80/":            {false, false},
		"https://shop.example.com:0443/":          {false, false},
		"https://shop.example.com:65536/":         {false, false},
		"https://shop.example.com:/":              {false, false},
		"https://user@shop.example.com/":          {false, false},
		"https://user:secret@shop.example.com/":   {false, false},
		"https://shop.example.com/#a":             {false, false},
		"https://shop.example.com/#":              {false, false},
		"https://shop.example.com/a b":            {false, false},
		"https://shop.example.com\\@evil.example": {false, false},
		"https://shop.example.com/\n":             {false, false},
		"https://shöp.example.com/":               {false, false},
		"https:///hooks":                          {false, false},
		"//shop.example.com/":                     {false, false},
		"/hooks":                                  {false, false},
		"":                                        {false, false},
		"javascript:alert(1)":                     {false, false},
		"file:///etc/passwd":                      {false, false},
		"gopher://shop.example.com/":              {false, false},
		"https://intranet/":                       {false, false},
		"https://db.internal/":                    {false, false},
		"https://printer.local./":                 {false, false},
		"https://2130706433/":                     {false, false},
		"https://0x7f.1/":                         {false, false},
		"https://0x7f.0x1/":                       {false, false},
		"https://127.1/":                          {false, false},
		"https://0177.0.0.1/":                     {false, false},
		"https://shop..example.com/":              {false, false},
	} {
		if err := (outbound.Guard{}).CheckURL(raw); (err == nil) != want.ok {
			t.Errorf("%q: %v", raw, err)
		}
		if err := (outbound.Guard{Dev: true}).CheckURL(raw); (err == nil) != want.dev {
			t.Errorf("%q with Dev: %v", raw, err)
		}
	}
}

// get calls a URL and returns the error, or nil for any answer.
func get(t *testing.T, client *http.Client, url string) (*http.Response, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(r)
	if err == nil {
		t.Cleanup(func() { _ = answer.Body.Close() })
	}
	return answer, err
}

func wantRefused(t *testing.T, err error) {
	t.Helper()
	var refused *outbound.RefusedError
	if !errors.As(err, &refused) {
		t.Errorf("not refused but: %v", err)
	}
}

func TestTheClientDialsPublicAddressesOnly(t *testing.T) {
	t.Parallel()
	called := false
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	t.Cleanup(server.Close)
	client := outbound.Guard{}.Client()
	for _, url := range []string{
		server.URL, "http://[::1]/", "http://10.0.0.1/", "http://169.254.169.254/", "http://[::ffff:127.0.0.1]/", "http://[64:ff9b::7f00:1]/",
		"http://0.0.0.0/", "http://[fd00::1]/", "http://224.0.0.1/", "http://100.64.0.1/", strings.Replace(server.URL, "127.0.0.1", "localhost", 1),
	} {
		_, err := get(t, client, url)
		wantRefused(t, err)
	}
	if called {
		t.Error("the loopback server was called")
	}
	if _, err := get(t, outbound.Guard{Dev: true}.Client(), server.URL); err != nil || !called {
		t.Errorf("with Dev the loopback server is not called: %v", err)
	}
	_, err := get(t, outbound.Guard{Dev: true}.Client(), "http://192.168.0.1/")
	wantRefused(t, err)
}

// A name that led to a public address when it was looked at leads here when it is called.
// Attack classes: registered metadata, by its address.
func TestRebindingGainsNothing(t *testing.T) {
	t.Parallel()
	called := false
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	names := newDNS(t, [][4]byte{{93, 184, 216, 34}, {127, 0, 0, 1}})
	guard := outbound.Guard{Resolver: names.resolver}
	const host = "rebinding.example.com"
	first, err := names.resolver.LookupNetIP(t.Context(), "ip4", host)
	if err != nil || len(first) != 1 || !outbound.Public(first[0].Unmap()) {
		t.Fatalf("the first look: %v, %v", first, err)
	}
	if err := guard.CheckURL("https://" + host + ":" + port + "/"); err != nil {
		t.Fatal(err)
	}
	_, err = get(t, guard.Client(), "http://"+host+":"+port+"/")
	wantRefused(t, err)
	if called {
		t.Error("it was called")
	}
	// The control: the very same name and port are called where that is allowed.
	if _, err := get(t, outbound.Guard{Dev: true, Resolver: names.resolver}.Client(), "http://"+host+":"+port+"/"); err != nil || !called {
		t.Errorf("the test proves nothing: %v", err)
	}
}

// dns answers every question for an IPv4 address with the next of its answers, and with the last from then on.
type dns struct {
	resolver *net.Resolver
	asked    atomic.Int64
}

func newDNS(t *testing.T, answers [][4]byte) *dns {
	t.Helper()
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	d := &dns{resolver: &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp4", conn.LocalAddr().String())
	}}}
	go func() {
		packet := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(packet)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(packet[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			m.Response, m.Additionals = true, nil
			if m.Questions[0].Type == dnsmessage.TypeA {
				at := min(int(d.asked.Add(1)), len(answers)) - 1
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET},
					Body:   &dnsmessage.AResource{A: answers[at]},
				}}
			}
			if packed, err := m.Pack(); err == nil {
				_, _ = conn.WriteTo(packed, from)
			}
		}
	}()
	return d
}

func TestTheClientFollowsNoRedirectAndUsesNoProxy(t *testing.T) {
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		t.Setenv(name, "http://127.0.0.1:1")
	}
	called := 0
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		called++
		http.Redirect(w, r, "/again", http.StatusTemporaryRedirect)
	}))
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	answer, err := get(t, outbound.Guard{Dev: true, Roots: roots}.Client(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, answer.Body); err != nil || answer.StatusCode != http.StatusTemporaryRedirect || called != 1 {
		t.Errorf("status %d after %d calls, %v", answer.StatusCode, called, err)
	}
	if _, err := get(t, outbound.Guard{Dev: true}.Client(), server.URL); err == nil {
		t.Error("a certificate of an unknown authority is believed")
	}
}
