package apitest

import (
	"context"
	"testing"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/federation"
	"github.com/partnergraph/partnergraph/sales/identity"
)

// federate binds a person of each of the partner's customers to its platform, tells the platform of one of them, and makes a test
// login that has come to its end.
func (w *World) federate(ctx context.Context, t *testing.T, o *Org) {
	t.Helper()
	for _, b := range []*Buyer{o.Resale, o.Advisory} {
		bound := w.bind(ctx, t, o, b)
		if b == o.Resale {
			_, err := w.Federation.HandOver(ctx, w.who, bound.ID)
			must(t, err)
		}
	}
	test, err := w.Federation.CreateTest(ctx, w.who, federation.CreateTestLogin{PartnerID: o.Partner.ID})
	must(t, err)
	name := o.Tag + "-tested"
	w.text(name, test.TestLogin.ID)
	must(t, w.Federation.FinishTest(ctx, test.TestLogin.ID, models.TestReport{
		Checks: []models.TestCheck{{Name: "AUDIENCE", Verdict: models.TestPassed}}, Attributes: []models.TestAttribute{{Name: "xUserId", Values: []string{name}}},
	}))
}

func (w *World) bind(ctx context.Context, t *testing.T, o *Org, b *Buyer) (told models.BindNotification) {
	t.Helper()
	id := b.Customer.ID
	must(t, w.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		user, err := w.Identity.CreateUserIn(ctx, tx, w.who, identity.CreateUser{CustomerID: &id, LoginName: b.Tag + "-person"})
		if err != nil {
			return err
		}
		bound, err := w.Federation.BindIn(ctx, tx, w.who, federation.Binding{
			PlatformID: o.PlatformID, XAccountID: b.Tag + "-xaccount", XUserID: b.Tag + "-xuser", CustomerID: id, UserID: user.ID, PartnerID: o.Partner.ID,
		})
		if err != nil {
			return err
		}
		b.Identity = bound.Person.ID
		w.text(b.Tag+"-xaccount", b.Identity)
		w.text(b.Tag+"-xuser", b.Identity)
		told, err = w.Federation.RecordNotificationIn(ctx, tx, models.BindNotification{
			IdentityID: b.Identity, PlatformID: o.PlatformID, XAccountID: b.Tag + "-xaccount", XUserID: b.Tag + "-xuser", CustomerID: id,
			CustomerName: b.Customer.Name, Action: federation.ActionBind,
		})
		return err
	}))
	return told
}

// indexFederation learns whose every binding, notification and test login is.
func (w *World) indexFederation(ctx context.Context, t *testing.T, orgs map[models.ID]*Org) {
	t.Helper()
	var notifications []models.BindNotification
	var tests []models.TestLogin
	for _, rows := range []any{&notifications, &tests} {
		must(t, w.DB.NewSelect().Model(rows).Scan(ctx))
	}
	for _, row := range notifications {
		w.owners[row.ID] = holder{org: orgs[row.PartnerID]}
	}
	for _, row := range tests {
		w.owners[row.ID] = holder{org: orgs[row.PartnerID]}
	}
	for _, b := range w.Buyers() {
		if b.Identity != "" {
			w.owners[b.Identity] = holder{buyer: b}
		}
	}
}
