// Package letters turns templates into e-mails. It owns nothing but that: the templates are their rooms', and so is what they
// say and to whom.
package letters

import (
	"bytes"
	"fmt"
	htmltemplate "html/template"
	"io/fs"
	"strings"
	texttemplate "text/template"
	"unicode"

	"github.com/partnergraph/partnergraph/models"
)

// Letter is what an e-mail says.
type Letter struct {
	Subject, Text, HTML string
}

// Write writes a letter in a language from the templates letters/NAME.LANGUAGE.txt and .html: the first line of the text is
// the subject. Values that are put there go through OneLine first, because a line break would end it.
func Write(templates fs.FS, name string, language models.Language, says any) (Letter, error) {
	file := "letters/" + name + "." + strings.ToLower(string(language))
	text, err := texttemplate.ParseFS(templates, file+".txt")
	if err != nil {
		return Letter{}, fmt.Errorf("letters: %w", err)
	}
	page, err := htmltemplate.ParseFS(templates, file+".html")
	if err != nil {
		return Letter{}, fmt.Errorf("letters: %w", err)
	}
	var plain, marked bytes.Buffer
	if err := text.Execute(&plain, says); err != nil {
		return Letter{}, fmt.Errorf("letters: %w", err)
	}
	if err := page.Execute(&marked, says); err != nil {
		return Letter{}, fmt.Errorf("letters: %w", err)
	}
	subject, body, _ := strings.Cut(plain.String(), "\n")
	return Letter{Subject: subject, Text: strings.TrimLeft(body, "\n"), HTML: marked.String()}, nil
}

// OneLine returns the text without line breaks and with single spaces.
func OneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }), " ")
}
