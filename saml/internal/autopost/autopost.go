// Package autopost writes the self-submitting form that carries a SAML message through the browser by POST.
//
// Owns that page and its content security policy. Does not own what the form carries. Neighbours: sp, idp, wire and bind.
package autopost

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
	"sync"
)

// Field is one hidden input; order is kept.
type Field struct{ Name, Value string }

const script = `document.forms[0].submit()`

const page = `<!doctype html>
<html><head><meta charset="utf-8"><title>…</title></head><body>
<form method="post" action="{{.Action}}">
{{range .Fields}}<input type="hidden" name="{{.Name}}" value="{{.Value}}">
{{end}}<noscript><button type="submit">Continue</button></noscript>
</form>
<script>` + script + `</script>
</body></html>
`

// parsed is the page's template. Reading it costs more than filling it in, and every answer of an identity provider is such a page.
var parsed = sync.OnceValues(func() (*template.Template, error) { return template.New("post").Parse(page) })

// Write answers with a page that posts the fields to action as soon as it is shown, and has a button where scripts are off. The caller
// must have made sure that action is an http(s) address; html/template escapes it but would turn others into a harmless one.
func Write(w http.ResponseWriter, action string, fields ...Field) error {
	tmpl, err := parsed()
	if err != nil {
		return err
	}
	var buf bytes.Buffer
	if err := tmpl.Execute(&buf, struct {
		Action string
		Fields []Field
	}{action, fields}); err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(script))
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; script-src 'sha256-"+
		base64.StdEncoding.EncodeToString(sum[:])+"'")
	_, err = w.Write(buf.Bytes())
	return err
}
