//go:build e2e

package peers_test

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// browser keeps cookies, follows redirects and submits the forms that would submit themselves. Names that end in localhost lead to this
// machine, whatever its resolver thinks; no other address is dialled. It notes every SAML message that it carries.
type browser struct {
	t       *testing.T
	client  *http.Client
	carried []message
}

// message is a SAML message on its way through the browser.
type message struct {
	from, to *url.URL
	param    string // SAMLRequest or SAMLResponse
	xml      []byte
	rawQuery string // of a redirect; empty: posted
}

// page is where a trip ended.
type page struct {
	address *url.URL
	status  int
	header  http.Header
	body    string
	forms   []form
}

type form struct {
	action, method string
	fields         url.Values // as they stand in the page
	hidden         bool       // nothing in it is for people to fill in
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, client: &http.Client{
		Jar: jar, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // throw-away certificates on loopback
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				host, port, err := net.SplitHostPort(address)
				if err != nil || host != "127.0.0.1" && !strings.HasSuffix(host, "localhost") {
					return nil, fmt.Errorf("the test was sent to %s", address)
				}
				return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
			},
		},
	}}
}

// open goes to an address, and on until a page waits for a person.
func (b *browser) open(address string) page {
	b.t.Helper()
	return b.travel(b.request(http.MethodGet, address, nil))
}

// submit fills in the only form of a page that has these fields, and submits it.
func (b *browser) submit(p page, fill map[string]string) page {
	b.t.Helper()
	for _, f := range p.forms {
		fits := true
		for name := range fill {
			fits = fits && f.fields.Has(name)
		}
		if !fits {
			continue
		}
		for name, value := range fill {
			f.fields.Set(name, value)
		}
		return b.travel(b.fillIn(p.address, f))
	}
	b.t.Fatalf("%s: status %d, no form for %v\n%s", p.address, p.status, fill, p.body)
	return page{}
}

func (b *browser) request(method, address string, fields url.Values) *http.Request {
	b.t.Helper()
	var body io.Reader
	if fields != nil {
		body = strings.NewReader(fields.Encode())
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, address, body)
	if err != nil {
		b.t.Fatal(err)
	}
	if fields != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("Accept", "text/html,*/*;q=0.8")
	return r
}

func (b *browser) fillIn(from *url.URL, f form) *http.Request {
	b.t.Helper()
	to, err := from.Parse(f.action)
	if err != nil {
		b.t.Fatal(err)
	}
	if strings.EqualFold(f.method, http.MethodPost) {
		r := b.request(http.MethodPost, to.String(), f.fields)
		b.note(from, to, f.fields, "")
		return r
	}
	to.RawQuery = f.fields.Encode()
	return b.request(http.MethodGet, to.String(), nil)
}

func (b *browser) travel(r *http.Request) page {
	b.t.Helper()
	for range 30 {
		answer, err := b.client.Do(r)
		if err != nil {
			b.t.Fatalf("%s %s: %v", r.Method, r.URL, err)
		}
		p := b.read(r.URL, answer)
		if to := answer.Header.Get("Location"); to != "" && answer.StatusCode/100 == 3 {
			target, err := r.URL.Parse(to)
			if err != nil {
				b.t.Fatal(err)
			}
			b.note(r.URL, target, target.Query(), target.RawQuery)
			r = b.request(http.MethodGet, target.String(), nil)
			continue
		}
		if len(p.forms) == 1 && p.forms[0].hidden && (p.forms[0].fields.Has("SAMLRequest") || p.forms[0].fields.Has("SAMLResponse")) {
			r = b.fillIn(p.address, p.forms[0])
			continue
		}
		return p
	}
	b.t.Fatalf("sent around in circles, at last to %s", r.URL)
	return page{}
}

func (b *browser) read(address *url.URL, answer *http.Response) page {
	b.t.Helper()
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 4<<20))
	if err != nil {
		b.t.Fatal(err)
	}
	p := page{address: address, status: answer.StatusCode, header: answer.Header, body: string(body)}
	if strings.Contains(answer.Header.Get("Content-Type"), "html") {
		root, err := html.Parse(bytes.NewReader(body))
		if err != nil {
			b.t.Fatal(err)
		}
		p.forms = forms(root)
	}
	return p
}

func forms(root *html.Node) []form {
	var found []form
	for n := range root.Descendants() {
		if n.Type != html.ElementNode || n.Data != "form" {
			continue
		}
		f := form{action: attribute(n, "action"), method: attribute(n, "method"), fields: url.Values{}, hidden: true}
		for field := range n.Descendants() {
			if field.Type != html.ElementNode || field.Data != "input" && field.Data != "select" && field.Data != "textarea" {
				continue
			}
			kind, name := attribute(field, "type"), attribute(field, "name")
			switch kind {
			case "submit", "button", "image", "checkbox", "radio":
			default:
				f.hidden = f.hidden && kind == "hidden"
				if name != "" {
					f.fields.Set(name, attribute(field, "value"))
				}
			}
		}
		found = append(found, f)
	}
	return found
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// note keeps a message, as its receiver will read it.
func (b *browser) note(from, to *url.URL, fields url.Values, rawQuery string) {
	b.t.Helper()
	for _, param := range []string{"SAMLRequest", "SAMLResponse"} {
		if !fields.Has(param) {
			continue
		}
		raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(fields.Get(param)), ""))
		if err == nil && rawQuery != "" {
			raw, err = io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(raw)), 1<<20))
		}
		if err != nil {
			b.t.Fatalf("%s to %s: %v", param, to, err)
		}
		b.carried = append(b.carried, message{from: from, to: to, param: param, xml: raw, rawQuery: rawQuery})
	}
}
