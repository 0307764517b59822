package mail

import (
	"bytes"
	"fmt"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"net/textproto"
	"regexp"
	"strings"
	"time"

	"github.com/partnergraph/partnergraph/sales/customers"
)

// composer writes messages as RFC 5322 and MIME want them.
type composer struct {
	from netmail.Address
	now  func() time.Time
}

// safeID is what may stand in a Message-ID and name a file.
var safeID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)

// message returns the bytes of an e-mail and its one recipient. Nothing of it can add a header: the addresses are parsed and
// written anew, the subject is encoded. What is not fit to be sent is ErrMailRefused.
func (c composer) message(m customers.Mail) (raw []byte, to string, err error) {
	address, err := netmail.ParseAddress(m.To)
	if err != nil || address.Name != "" || strings.ContainsAny(m.To, "\r\n") || !safeID.MatchString(m.ID) {
		return nil, "", fmt.Errorf("%w: no address or id", customers.ErrMailRefused)
	}
	var body bytes.Buffer
	parts := multipart.NewWriter(&body)
	for _, part := range []struct{ kind, text string }{{"text/plain", m.Text}, {"text/html", m.HTML}} {
		w, err := parts.CreatePart(textproto.MIMEHeader{
			"Content-Type": {part.kind + "; charset=utf-8"}, "Content-Transfer-Encoding": {"quoted-printable"},
		})
		if err != nil {
			return nil, "", err
		}
		quoted := quotedprintable.NewWriter(w)
		if _, err := quoted.Write([]byte(strings.ReplaceAll(part.text, "\n", "\r\n"))); err != nil {
			return nil, "", err
		}
		if err := quoted.Close(); err != nil {
			return nil, "", err
		}
	}
	if err := parts.Close(); err != nil {
		return nil, "", err
	}
	_, domain, _ := strings.Cut(c.from.Address, "@")
	var out bytes.Buffer
	for _, header := range [][2]string{
		{"From", c.from.String()}, {"To", address.String()}, {"Subject", subject(m.Subject)},
		{"Date", c.now().UTC().Format(time.RFC1123Z)}, {"Message-ID", "<" + m.ID + "@" + domain + ">"}, {"MIME-Version", "1.0"},
		{"Auto-Submitted", "auto-generated"}, {"Content-Type", `multipart/alternative; boundary="` + parts.Boundary() + `"`},
	} {
		out.WriteString(header[0] + ": " + header[1] + "\r\n")
	}
	out.WriteString("\r\n")
	out.Write(body.Bytes())
	return out.Bytes(), address.Address, nil
}

// subject encodes a subject in words of a line each. Line breaks in it, which Encode would pass on in a text of ASCII, become
// spaces.
func subject(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
	return strings.ReplaceAll(mime.BEncoding.Encode("utf-8", text), "?= =?", "?=\r\n =?")
}
