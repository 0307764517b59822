package customers_test

import (
	"context"
	"crypto/rand"
	"errors"
	"regexp"
	"sync"
	"testing"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/sales/events"
)

// letters keeps the e-mails, and answers what it is told to.
type letters struct {
	mu     sync.Mutex
	sent   []customers.Mail
	answer error
}

func (l *letters) Send(_ context.Context, mail customers.Mail) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent = append(l.sent, mail)
	return l.answer
}

// post gives the world a mailer and the relay that feeds it.
func (w *world) post() (*letters, func()) {
	w.t.Helper()
	box := &letters{}
	w.Mailer, w.Origin, w.Random = box, "https://sales.example.com", rand.Reader
	w.Events.Consumers = map[models.EventType][]string{models.EventInvitationMailed: {customers.ConsumerMail}}
	relay := &events.Relay{DB: w.DB, Consumer: customers.ConsumerMail, Handle: w.SendMail, Now: w.Now, Logger: discard()}
	return box, func() {
		w.t.Helper()
		if _, err := relay.Deliver(w.ctx); err != nil {
			w.t.Fatal(err)
		}
	}
}

// report reports a company for the partner.
func (w *world) report(p models.Partner, cmd customers.ReportCustomer) models.CustomerReport {
	w.t.Helper()
	done, err := w.Report(w.ctx, asPartner(p), cmd)
	if err != nil {
		w.t.Fatal(err)
	}
	return done.Report
}

// link invites by a link and returns the invitation and its token.
func (w *world) link(p models.Partner, cmd customers.CreateInvitation) (models.Invitation, string) {
	w.t.Helper()
	cmd.Channel, cmd.Mode = or(cmd.Channel, models.InviteByLink), or(cmd.Mode, models.Resale)
	done, err := w.Invite(w.ctx, asPartner(p), cmd)
	if err != nil {
		w.t.Fatal(err)
	}
	return done.Invitation, tokenIn(w.t, *done.Link)
}

var tokenInLink = regexp.MustCompile(`/invitation/([A-Za-z0-9_-]{43})`)

func tokenIn(t *testing.T, text string) string {
	t.Helper()
	found := tokenInLink.FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("no link in %q", text)
	}
	return found[1]
}

func (w *world) accept(c models.Customer, token string) error {
	_, err := w.Accept(w.ctx, asCustomer(c), customers.AcceptInvitation{Token: token})
	return err
}

func (w *world) reportOf(id models.ID) models.CustomerReport {
	w.t.Helper()
	found, err := w.ReportsByIDs(w.ctx, operator(), []models.ID{id})
	if err != nil {
		w.t.Fatal(err)
	}
	return found[id]
}

func (w *world) invitationOf(id models.ID) models.Invitation {
	w.t.Helper()
	found, err := w.InvitationsByIDs(w.ctx, operator(), []models.ID{id})
	if err != nil {
		w.t.Fatal(err)
	}
	return found[id]
}

func (w *world) customerOf(id models.ID) models.Customer {
	w.t.Helper()
	found, err := w.ByIDs(w.ctx, operator(), []models.ID{id})
	if err != nil {
		w.t.Fatal(err)
	}
	return found[id]
}

// told counts the events of a type about a subject.
func (w *world) told(what models.EventType, subject models.ID) int {
	w.t.Helper()
	n, err := w.DB.NewSelect().Model((*models.Event)(nil)).Where("ev.type = ? AND ev.subject_id = ?", what, subject).Count(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	return int(n)
}

func or[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}

var errTransient = errors.New("try again")
