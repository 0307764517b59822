package apitest

import (
	"context"
	"sync"
	"testing"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/customers"
)

// Letters are the e-mails that a Server has sent. It is safe for concurrent use.
type Letters struct {
	mu   sync.Mutex
	sent []customers.Mail
}

var _ customers.Mailer = (*Letters)(nil)

// Send keeps an e-mail.
func (l *Letters) Send(_ context.Context, mail customers.Mail) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent = append(l.sent, mail)
	return nil
}

// Sent returns the e-mails so far.
func (l *Letters) Sent() []customers.Mail {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]customers.Mail(nil), l.sent...)
}

// known lets a partner report its resale customer before there is one, which links the report. Whoever looks companies up reports the same one from
// the register.
func (w *World) known(ctx context.Context, t *testing.T, o *Org) {
	t.Helper()
	account := o.Tag + "-resale-account"
	cmd := customers.ReportCustomer{Company: o.Tag + " known", Email: o.Tag + "-known@example.com", AccountName: &account}
	if o.Partner.Kind.HasExposure() {
		id := w.Company(t, "Sample Yunfan Technology Co., Ltd.")
		cmd.Company, cmd.CompanyID = "", &id
	}
	reported, err := w.Customers.Report(ctx, selfOf(o), cmd)
	must(t, err)
	if cmd.Company != "" {
		w.text(cmd.Company, reported.Report.ID)
	}
	w.text(cmd.Email, reported.Report.ID)
}

// prospects gives a partner a report, an invitation from it and a link for many.
func (w *World) prospects(ctx context.Context, t *testing.T, o *Org) {
	t.Helper()
	reported, err := w.Customers.Report(ctx, selfOf(o), customers.ReportCustomer{Company: o.Tag + " prospect", Email: o.Tag + "-prospect@example.com"})
	must(t, err)
	id, tag := reported.Report.ID, o.Tag+" tag"
	w.text(o.Tag+" prospect", id)
	w.text(o.Tag+"-prospect@example.com", id)
	_, err = w.Customers.Invite(ctx, selfOf(o), customers.CreateInvitation{ReportID: &id, Channel: models.InviteByEmail, Mode: models.Resale})
	must(t, err)
	link, err := w.Customers.Invite(ctx, selfOf(o), customers.CreateInvitation{Channel: models.InviteByLink, Mode: models.Advisory, Tag: &tag})
	must(t, err)
	w.text(tag, link.Invitation.ID)
}

// acts lets a partner ask its resale customer to order for it.
func (w *World) acts(ctx context.Context, t *testing.T, o *Org) {
	t.Helper()
	asked, err := w.Customers.RequestAuthorization(ctx, selfOf(o), customers.RequestAuthorization{
		CustomerID: o.Resale.Customer.ID, Scope: models.AuthorizedToOrder, Reason: o.Tag + " wants to order", ValidUntil: w.Now().AddDate(0, 6, 0),
	})
	must(t, err)
	w.text(o.Tag+" wants to order", asked.Authorization.ID)
}

// wishes lets a customer ask to leave, and an operator know something of it.
func (w *World) wishes(ctx context.Context, t *testing.T, b *Buyer) {
	t.Helper()
	asked, err := w.Customers.RequestDisassociation(ctx, w.as(b), customers.RequestDisassociation{Reason: b.Tag + " wants to leave"})
	must(t, err)
	w.text(b.Tag+" wants to leave", asked.Request.ID)
	known, err := w.Customers.Restrict(ctx, w.who, customers.RestrictCustomer{
		CustomerID: b.Customer.ID, Kind: models.RestrictSubsidy, Note: b.Tag + " note",
	})
	must(t, err)
	w.text(b.Tag+" note", known.Restriction.ID)
}

// RequestOf returns the request that the buyer has made.
func (w *World) RequestOf(b *Buyer) models.ID {
	for _, id := range w.IDs(models.PrefixAssociationRequest) {
		if w.owners[id].buyer == b {
			return id
		}
	}
	return ""
}

// AuthorizationOf returns the one that the buyer was asked for, or "".
func (w *World) AuthorizationOf(b *Buyer) models.ID {
	for _, id := range w.IDs(models.PrefixAuthorization) {
		if w.owners[id].buyer == b {
			return id
		}
	}
	return ""
}

// indexRelations learns whose the reports, invitations, requests, authorisations and restrictions are.
func (w *World) indexRelations(ctx context.Context, t *testing.T, orgs map[models.ID]*Org, buyers map[models.ID]*Buyer) {
	t.Helper()
	var reports []models.CustomerReport
	var invitations []models.Invitation
	var requests []models.AssociationRequest
	var restrictions []models.CustomerRestriction
	var authorizations []models.Authorization
	for _, rows := range []any{&reports, &invitations, &requests, &restrictions, &authorizations} {
		must(t, w.DB.NewSelect().Model(rows).Scan(ctx))
	}
	for _, row := range reports {
		w.owners[row.ID] = holder{org: orgs[row.PartnerID]}
	}
	for _, row := range invitations {
		w.owners[row.ID] = holder{org: orgs[row.PartnerID]}
	}
	for _, row := range requests {
		w.owners[row.ID] = holder{buyer: buyers[row.CustomerID]}
	}
	for _, row := range authorizations {
		w.owners[row.ID] = holder{buyer: buyers[row.CustomerID]}
	}
	for _, row := range restrictions {
		w.owners[row.ID] = holder{buyer: buyers[row.CustomerID]}
	}
}

// relationMutations are those of requests about a relation that take a key.
func relationMutations() map[string]MoneyMutation {
	return map[string]MoneyMutation{
		"confirmAssociationRequest": {
			Selection: "{request{id state} ended{id until} transfer{id kind createdAt}}",
			NoDebit:   "it takes back whatever there is, once",
			Prepare: func(t *testing.T, w *World, _ int) MoneyCalls {
				t.Helper()
				b := w.Empty(t, w.Providers[0], w.tag())
				asked, err := w.Customers.RequestDisassociation(t.Context(), w.as(b), customers.RequestDisassociation{Reason: b.Tag})
				must(t, err)
				return always(b.Owner.Key, map[string]any{"requestId": asked.Request.ID}, "requestId", w.RequestOf(b.Owner.Resale))
			},
		},
	}
}
