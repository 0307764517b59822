package app

import (
	"context"
	"errors"

	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/sales/identity"
)

// codeMail sends one-time codes as e-mails.
type codeMail struct{ mailer customers.Mailer }

var _ identity.CodeSender = codeMail{}

// SendCode hands a code to the mail server.
func (m codeMail) SendCode(ctx context.Context, message identity.CodeMessage) (refused bool, err error) {
	letter := message.Letter
	err = m.mailer.Send(ctx, customers.Mail{ID: message.ID, To: message.To, Subject: letter.Subject, Text: letter.Text, HTML: letter.HTML})
	if errors.Is(err, customers.ErrMailRefused) {
		return true, nil
	}
	return false, err
}
