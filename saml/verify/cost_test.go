package verify_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/samltest"
	"github.com/partnergraph/partnergraph/saml/verify"
	"github.com/partnergraph/partnergraph/saml/wire"
)

// The most that one message of a stranger may cost.
const (
	mostCPU    = 50 * time.Millisecond
	mostMemory = 8 << 20
)

// costly are the worst messages of each shape that a stranger can send without a signature that verifies.
func costly(t testing.TB) map[string][]byte {
	const open = `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_r" Version="2.0">`
	const status = `<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>`
	within := func(inside string) []byte {
		return []byte(open + status + `<saml:Assertion ID="_a" Version="2.0">` + inside + `</saml:Assertion></samlp:Response>`)
	}
	many := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			if strings.Contains(format, "%") {
				fmt.Fprintf(&b, format, i)
			} else {
				b.WriteString(format)
			}
		}
		return b.String()
	}
	// A genuine message by a key that is not the platform's has every later step to go.
	signed := string(samltest.Recipe{Key: samltest.RSA(t, "mallory", 2048)}.Build(t))
	full := func(padding string) []byte {
		return []byte(strings.Replace(signed, "</saml:AttributeStatement>", padding+"</saml:AttributeStatement>", 1))
	}
	const limit = 256 << 10
	return map[string][]byte{
		"20,000 namespaces":            within(`<saml:x` + many(20_000, ` xmlns:n%d="urn:n"`) + `/>`),
		"127 namespaces, 800 elements": within(`<saml:x` + many(25, ` xmlns:n%d="urn:n"`) + `>` + many(800, "<saml:x/>") + `</saml:x>`),
		"5,000 deep":                   within(many(5000, "<saml:x>") + many(5000, "</saml:x>")),
		"36 deep, unclosed":            within(many(36, "<saml:x>")),
		"880 elements, signed":         full(many(800, "<saml:Attribute/>")),
		"200 KiB of text, signed":      full(`<saml:Attribute Name="x"><saml:AttributeValue>` + strings.Repeat("x", 200<<10) + `</saml:AttributeValue></saml:Attribute>`),
		"entities for text, signed":    full(`<saml:Attribute Name="x"><saml:AttributeValue>` + strings.Repeat("&#13;", 40<<10) + `</saml:AttributeValue></saml:Attribute>`),
		"many long attributes, signed": full(many(200, `<saml:Attribute`+many(20, ` a%%d="xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"`)+`/>`)),
		"256 KiB of brackets":          []byte(strings.Repeat("<", limit)),
		"256 KiB of quotes":            []byte("<a b='" + strings.Repeat("&", limit-8)),
		"256 KiB of blanks":            []byte(strings.Repeat(" ", limit)),
		"a big signature value":        []byte(strings.Replace(signed, "</ds:SignatureValue>", strings.Repeat("A", 200<<10)+"</ds:SignatureValue>", 1)),
		"big ciphertext": samltest.Recipe{Key: samltest.RSA(t, "mallory", 2048), Encrypt: samltest.Encrypt(t, samltest.RSA(t, "sp", 2048), samltest.Sealing{
			Plain: bytes.Repeat([]byte("<"), 120<<10),
		})}.Build(t),
	}
}

// wantCheap runs fn and holds its CPU time and memory to the limits. The machine is shared: of seven runs one must keep to them.
func wantCheap(t *testing.T, name string, fn func()) {
	t.Helper()
	fn() // caches and tables
	cpu, memory := time.Hour, uint64(1<<62)
	for range 7 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		started := threadTime(t)
		fn()
		cpu = min(cpu, threadTime(t)-started)
		runtime.ReadMemStats(&after)
		memory = min(memory, after.TotalAlloc-before.TotalAlloc)
		if cpu <= mostCPU && memory <= mostMemory {
			return
		}
	}
	if cpu > mostCPU || memory > mostMemory {
		t.Errorf("%s costs %v and %d KiB", name, cpu, memory>>10)
	}
}

// threadTime is the CPU time of this thread alone.
func threadTime(t *testing.T) time.Duration {
	t.Helper()
	const thread = 1 // RUSAGE_THREAD
	var usage syscall.Rusage
	if err := syscall.Getrusage(thread, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// TestStrangersCostLittle: no unauthenticated input burns more than 50 ms of CPU or 8 MiB, in any parser that reads strangers' bytes.
func TestStrangersCostLittle(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	want := expect(t)
	for name, message := range costly(t) {
		wantCheap(t, "response: "+name, func() {
			if _, err := verify.Response(message, want); err == nil {
				t.Fatal("accepted")
			}
		})
		wantCheap(t, "examine: "+name, func() {
			if verify.Examine(message, want).OK() {
				t.Fatal("accepted")
			}
		})
		logout := bytes.ReplaceAll(message, []byte("samlp:Response"), []byte("samlp:LogoutRequest"))
		post, redirect := posted(logout), redirected(t, logout)
		wantCheap(t, "post: "+name, func() { _, _ = wire.Read(httptest.NewRecorder(), post(), wire.Request) })
		wantCheap(t, "redirect: "+name, func() { _, _ = wire.Read(httptest.NewRecorder(), redirect(), wire.Request) })
	}
	bomb := redirected(t, bytes.Repeat([]byte("x"), 16<<20))
	wantCheap(t, "a flate bomb", func() {
		if _, err := wire.Read(httptest.NewRecorder(), bomb(), wire.Request); reason(t, err) != saml.ResponseTooLarge {
			t.Fatal(err)
		}
	})
}

// posted and redirected make the request afresh for each run, since reading uses it up.
func posted(message []byte) func() *http.Request {
	form := url.Values{wire.Request: {base64.StdEncoding.EncodeToString(message)}}
	body := form.Encode()
	return func() *http.Request {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return r
	}
}

func redirected(t *testing.T, message []byte) func() *http.Request {
	t.Helper()
	var deflated bytes.Buffer
	w, err := flate.NewWriter(&deflated, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write(message)
	_ = w.Close()
	target := "/?" + url.Values{wire.Request: {base64.StdEncoding.EncodeToString(deflated.Bytes())}}.Encode()
	return func() *http.Request { return httptest.NewRequest(http.MethodGet, target, nil) }
}
