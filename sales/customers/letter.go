package customers

import (
	"embed"
	"fmt"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/letters"
)

//go:embed letters
var templates embed.FS

// until is how letters write an instant.
const until = "2006-01-02 15:04 UTC"

// writeLetter writes the e-mail of an invitation in its language.
func writeLetter(invitation models.Invitation, partner, link string) (models.InvitationPreview, error) {
	written, err := letters.Write(templates, "invitation", invitation.Language, struct {
		Partner string
		Resale  bool
		Link    string
		Until   string // the instant at which the link ends
	}{letters.OneLine(partner), invitation.Mode == models.Resale, link, invitation.ExpiresAt.UTC().Format(until)})
	return models.InvitationPreview(written), err
}

// writeRequest writes the e-mail that tells a customer of a request for an authorisation.
func writeRequest(asked models.Authorization, partner, account string) (letters.Letter, error) {
	return letters.Write(templates, "authorization", asked.Language, struct {
		Partner, Account string
		Order            bool // or operate
		Reason           string
		DecideBy         string
		ValidUntil       string
	}{
		letters.OneLine(partner), letters.OneLine(account), asked.Scope == models.AuthorizedToOrder, letters.OneLine(asked.Reason),
		asked.DecideBy.UTC().Format(until), asked.ValidUntil.UTC().Format(until),
	})
}

// mailID is the same for every attempt at one e-mail.
func mailID(invitation models.Invitation) string {
	return fmt.Sprintf("%s-%d", invitation.ID, invitation.MailNumber)
}
