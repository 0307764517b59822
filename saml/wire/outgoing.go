package wire

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/beevik/etree"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/internal/autopost"
)

// Outgoing is a message on its way through the browser.
type Outgoing struct {
	Param      string         // Request or Response
	Element    *etree.Element // unsigned unless AsIs
	Location   string         // where to; an address that saml.UsableURL accepts
	RelayState string         // empty: none
	Key        saml.SigningKey
	// AsIs says that the element carries the signatures it needs: the post binding adds none.
	AsIs bool
}

// Send answers the browser: with a redirect, whose signature is detached, or with a self-submitting form, whose message is signed
// inside.
func (o Outgoing) Send(w http.ResponseWriter, r *http.Request, binding Binding, rand io.Reader) error {
	if binding == Redirect {
		target, err := o.RedirectURL(rand)
		if err != nil {
			return err
		}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Referrer-Policy", "no-referrer")
		status := http.StatusFound
		if r.Method != http.MethodGet {
			status = http.StatusSeeOther
		}
		http.Redirect(w, r, target, status)
		return nil
	}
	fields, err := o.form()
	if err != nil {
		return err
	}
	return autopost.Write(w, o.Location, fields...)
}

// RedirectURL carries the message in the query with the detached signature over its octets in the prescribed order (Bindings 3.4.4.1).
func (o Outgoing) RedirectURL(rand io.Reader) (string, error) {
	method, err := methodOf(o.Key)
	if err != nil {
		return "", err
	}
	message, err := Write(o.Element)
	if err != nil {
		return "", err
	}
	deflated, err := deflate(message)
	if err != nil {
		return "", fmt.Errorf("wire: deflate: %w", err)
	}
	query := o.Param + "=" + url.QueryEscape(base64.StdEncoding.EncodeToString(deflated))
	if o.RelayState != "" {
		query += "&RelayState=" + url.QueryEscape(o.RelayState)
	}
	query += "&SigAlg=" + url.QueryEscape(method)
	signature, err := SignOctets([]byte(query), o.Key, rand)
	if err != nil {
		return "", err
	}
	sep := "?"
	if strings.Contains(o.Location, "?") {
		sep = "&"
	}
	return o.Location + sep + query + "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(signature)), nil
}

// deflaters are kept, because a new one takes 1.2 MiB, which is more to clear and to collect than the rest of a login together. The level
// is the fastest for the same reason: the others clear their tables each time, and would make a message of half a KiB 20 bytes shorter.
var deflaters sync.Pool

// storedMax is how long a message may be to be stored as one block of DEFLATE (RFC 1951, 3.2.4) instead of compressed: packing a request of
// half a KiB takes more time than everything else about it but its signature, and saves 300 octets of an address that may have thousands.
const storedMax = 1024

func deflate(message []byte) ([]byte, error) {
	if len(message) <= storedMax {
		n := len(message)
		return append([]byte{1, byte(n), byte(n >> 8), ^byte(n), ^byte(n >> 8)}, message...), nil
	}
	var out bytes.Buffer
	fw, ok := deflaters.Get().(*flate.Writer)
	if ok {
		fw.Reset(&out)
	} else {
		var err error
		if fw, err = flate.NewWriter(&out, flate.BestSpeed); err != nil {
			return nil, err
		}
	}
	if _, err := fw.Write(message); err != nil {
		return nil, err
	}
	if err := fw.Close(); err != nil {
		return nil, err
	}
	deflaters.Put(fw)
	return out.Bytes(), nil
}

func (o Outgoing) form() ([]autopost.Field, error) {
	e := o.Element
	if !o.AsIs {
		var err error
		if e, err = Sign(e, o.Key); err != nil {
			return nil, err
		}
	}
	message, err := Write(e)
	if err != nil {
		return nil, err
	}
	fields := []autopost.Field{{Name: o.Param, Value: base64.StdEncoding.EncodeToString(message)}}
	if o.RelayState != "" {
		fields = append(fields, autopost.Field{Name: "RelayState", Value: o.RelayState})
	}
	return fields, nil
}

// Write serialises an element that stands alone.
func Write(e *etree.Element) ([]byte, error) {
	doc := etree.NewDocument()
	doc.SetRoot(e)
	out, err := doc.WriteToBytes()
	if err != nil || len(out) == 0 {
		return nil, errors.Join(errors.New("wire: message not written"), err)
	}
	return out, nil
}
