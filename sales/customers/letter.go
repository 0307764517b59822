package customers

import (
	"bytes"
	"embed"
	"fmt"
	htmltemplate "html/template"
	"strings"
	texttemplate "text/template"
	"unicode"

	"github.com/partnergraph/partnergraph/models"
)

//go:embed letters
var letters embed.FS

// letter is what the templates of the e-mails see.
type letter struct {
	Partner string
	Resale  bool
	Link    string
	Until   string // the instant at which the link ends
}

// writeLetter writes the e-mail of an invitation in its language: the first line of the text template is the subject.
func writeLetter(invitation models.Invitation, partner, link string) (models.InvitationPreview, error) {
	var none models.InvitationPreview
	name := "letters/invitation." + strings.ToLower(string(invitation.Language))
	text, err := texttemplate.ParseFS(letters, name+".txt")
	if err != nil {
		return none, fmt.Errorf("customers: letter: %w", err)
	}
	page, err := htmltemplate.ParseFS(letters, name+".html")
	if err != nil {
		return none, fmt.Errorf("customers: letter: %w", err)
	}
	says := letter{
		// A name with a line break would end the subject's line.
		Partner: oneLine(partner), Resale: invitation.Mode == models.Resale, Link: link,
		Until: invitation.ExpiresAt.UTC().Format("2006-01-02 15:04 UTC"),
	}
	var plain, marked bytes.Buffer
	if err := text.Execute(&plain, says); err != nil {
		return none, fmt.Errorf("customers: letter: %w", err)
	}
	if err := page.Execute(&marked, says); err != nil {
		return none, fmt.Errorf("customers: letter: %w", err)
	}
	subject, body, _ := strings.Cut(plain.String(), "\n")
	return models.InvitationPreview{Subject: subject, Text: strings.TrimLeft(body, "\n"), HTML: marked.String()}, nil
}

func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }), " ")
}

// mailID is the same for every attempt at one e-mail.
func mailID(invitation models.Invitation) string {
	return fmt.Sprintf("%s-%d", invitation.ID, invitation.MailNumber)
}
