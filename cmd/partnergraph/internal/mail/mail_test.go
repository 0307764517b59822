package mail_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/mail"
	"github.com/partnergraph/partnergraph/sales/customers"
)

func now() time.Time { return time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC) }

func letter() customers.Mail {
	return customers.Mail{
		ID: "inv_1-1", To: "buyer@example.com", Subject: "Ünïcode 邀请您成为其客户 and a subject that is longer than one line of a header may be",
		Text: "Hello,\n\n.a line with a dot\nhttps://sales.example.com/invitation/x=1\n", HTML: "<p>你好</p>\n",
	}
}

// read takes a message apart as a mail program does.
func read(t *testing.T, raw string) (header netmail.Header, text, html string) {
	t.Helper()
	message, err := netmail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	var bodies []string
	parts := multipart.NewReader(message.Body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, strings.ReplaceAll(string(body), "\r\n", "\n"))
	}
	if len(bodies) != 2 {
		t.Fatalf("%d parts", len(bodies))
	}
	return message.Header, bodies[0], bodies[1]
}

func folder(t *testing.T) (customers.Mailer, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "mail")
	mailer, err := mail.Open(mail.Options{URL: "file://" + dir, From: "Sales <sales@example.com>", Dev: true, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return mailer, dir
}

func TestAFolderHoldsWhatMailProgramsRead(t *testing.T) {
	t.Parallel()
	mailer, dir := folder(t)
	want := letter()
	for range 2 { // the same e-mail again is the same file
		if err := mailer.Send(t.Context(), want); err != nil {
			t.Fatal(err)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 || files[0].Name() != "inv_1-1.eml" {
		t.Fatalf("%v %v", err, files)
	}
	raw, err := os.ReadFile(filepath.Join(dir, files[0].Name()))
	if err != nil {
		t.Fatal(err)
	}
	header, text, html := read(t, string(raw))
	subject, err := new(mime.WordDecoder).DecodeHeader(header.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	got := []string{subject, text, html, header.Get("To"), header.Get("From"), header.Get("Message-Id"), header.Get("Date")}
	if diff := cmp.Diff([]string{want.Subject, want.Text, want.HTML, "<buyer@example.com>", `"Sales" <sales@example.com>`, "<inv_1-1@example.com>", "Fri, 20 Nov 2026 08:00:00 +0000"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for line := range strings.SplitSeq(string(raw), "\r\n") {
		if len(line) > 200 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
}

// TestNothingAddsAHeader: what strangers type stays where it belongs, or is not sent.
func TestNothingAddsAHeader(t *testing.T) {
	t.Parallel()
	mailer, dir := folder(t)
	for name, spoil := range map[string]func(*customers.Mail){
		"an address with a header": func(m *customers.Mail) { m.To = "a@example.com\r\nBcc: all@example.com" },
		"two addresses":            func(m *customers.Mail) { m.To = "a@example.com, b@example.com" },
		"an address with a name":   func(m *customers.Mail) { m.To = "Bcc <a@example.com>" },
		"no address":               func(m *customers.Mail) { m.To = "" },
		"an id that leaves":        func(m *customers.Mail) { m.ID = "../../etc/passwd" },
		"an id with a header":      func(m *customers.Mail) { m.ID = "a>\r\nBcc: all@example.com" },
	} {
		m := letter()
		spoil(&m)
		if err := mailer.Send(t.Context(), m); !errors.Is(err, customers.ErrMailRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if files, err := os.ReadDir(dir); err == nil && len(files) != 0 {
		t.Errorf("left behind: %v", files)
	}
	m := letter()
	m.Subject = "Hello\r\nBcc: all@example.com\r\n\r\nbody"
	if err := mailer.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, m.ID+".eml"))
	if err != nil {
		t.Fatal(err)
	}
	if header, text, _ := read(t, string(raw)); header.Get("Bcc") != "" || text != m.Text {
		t.Errorf("%v %q", header, text)
	}
}

func TestSettingsAreChecked(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]mail.Options{
		"no sender":               {URL: "smtp://mail.example.com"},
		"two senders":             {URL: "smtp://mail.example.com", From: "a@example.com, b@example.com"},
		"another scheme":          {URL: "http://mail.example.com", From: "a@example.com"},
		"no host":                 {URL: "smtp://", From: "a@example.com"},
		"a path":                  {URL: "smtp://u:secret@mail.example.com/x", From: "a@example.com"},
		"no URL":                  {URL: "smtp://u:secret@%zz", From: "a@example.com"},
		"a folder in production":  {URL: "file:///tmp/x", From: "a@example.com"},
		"a folder somewhere else": {URL: "file://host/tmp/x", From: "a@example.com", Dev: true},
	} {
		if _, err := mail.Open(o); err == nil || !strings.HasPrefix(err.Error(), "setting ") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, url := range []string{"smtp://mail.example.com", "smtps://u:p@mail.example.com:465", "smtp://[::1]:25"} {
		if _, err := mail.Open(mail.Options{URL: url, From: "Sales <a@example.com>"}); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// server is a mail server of a few lines. Its answers by the first word of a command replace the usual ones.
type server struct {
	addr    string
	roots   *x509.CertPool
	got     chan string // the message, then nothing
	answers map[string]string
	tls     bool
}

func serve(t *testing.T, withTLS bool, answers map[string]string) *server {
	t.Helper()
	certificate, roots := selfSigned(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	s := &server{addr: listener.Addr().String(), roots: roots, got: make(chan string, 1), answers: answers, tls: withTLS}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go s.talk(conn, certificate)
		}
	}()
	return s
}

func (s *server) talk(conn net.Conn, certificate tls.Certificate) {
	defer func() { _ = conn.Close() }()
	r, secure := bufio.NewReader(conn), false
	say := func(line string) { fmt.Fprintf(conn, "%s\r\n", line) }
	say("220 ready")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		verb := strings.ToUpper(strings.Fields(line + " x")[0])
		if answer, ok := s.answers[verb]; ok {
			say(answer)
			continue
		}
		switch verb {
		case "EHLO":
			say("250-here")
			if s.tls && !secure {
				say("250-STARTTLS")
			}
			say("250 AUTH PLAIN")
		case "STARTTLS":
			say("220 go on")
			conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{certificate}})
			r, secure = bufio.NewReader(conn), true
		case "AUTH":
			say("235 welcome")
		case "DATA":
			say("354 go on")
			var message strings.Builder
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				message.WriteString(strings.TrimPrefix(line, "."))
			}
			if answer, ok := s.answers["END"]; ok {
				say(answer)
				continue
			}
			say("250 taken")
			s.got <- message.String()
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 fine")
		}
	}
}

func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "127.0.0.1"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}, roots
}

// TestSMTP speaks to a mail server: with STARTTLS and a sign-in, without, and to one that refuses now or for good.
func TestSMTP(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		url     string // before the address
		tls     bool
		trusted bool
		dev     bool
		answers map[string]string
		sent    bool
		final   bool
	}{
		"with STARTTLS and a sign-in":       {url: "smtp://u:secret@", tls: true, trusted: true, sent: true},
		"without STARTTLS":                  {url: "smtp://", trusted: true},
		"without STARTTLS, for development": {url: "smtp://", dev: true, sent: true},
		"a certificate of nobody":           {url: "smtp://", tls: true},
		"a wrong password":                  {url: "smtp://u:secret@", tls: true, trusted: true, answers: map[string]string{"AUTH": "535 no"}},
		"no such person":                    {url: "smtp://", tls: true, trusted: true, answers: map[string]string{"RCPT": "550 unknown"}, final: true},
		"a full mailbox":                    {url: "smtp://", tls: true, trusted: true, answers: map[string]string{"RCPT": "452 buyer@example.com is full"}},
		"a sender that is not allowed yet":  {url: "smtp://", tls: true, trusted: true, answers: map[string]string{"MAIL": "550 not you"}},
		"a message that is taken for spam":  {url: "smtp://", tls: true, trusted: true, answers: map[string]string{"END": "554 spam"}, final: true},
		"a message that is not taken now":   {url: "smtp://", tls: true, trusted: true, answers: map[string]string{"END": "451 later"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, row.tls, row.answers)
			mailer, err := mail.Open(mail.Options{URL: row.url + s.addr, From: "Sales <sales@example.com>", Dev: row.dev, Now: now})
			if err != nil {
				t.Fatal(err)
			}
			if row.trusted {
				mail.Trust(mailer, s.roots)
			}
			err = mailer.Send(t.Context(), letter())
			if (err == nil) != row.sent || errors.Is(err, customers.ErrMailRefused) != row.final || err != nil && (strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "buyer")) {
				t.Fatalf("%v", err)
			}
			if row.sent {
				if _, text, html := read(t, <-s.got); text != letter().Text || html != letter().HTML {
					t.Errorf("arrived: %q %q", text, html)
				}
			}
		})
	}
}

func TestASilentServerDoesNotHoldTheCaller(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	mailer, err := mail.Open(mail.Options{URL: "smtp://" + listener.Addr().String(), From: "a@example.com", Dev: true, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := mailer.Send(ctx, letter()); err == nil || errors.Is(err, customers.ErrMailRefused) {
		t.Error(err)
	}
}
