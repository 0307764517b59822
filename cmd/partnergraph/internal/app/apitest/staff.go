package apitest

import (
	"context"
	"fmt"
	"maps"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/staff"
)

// staffed gives the partner a scheme of dedicated staff with a person, a month that was confirmed, and the payment of its quarter.
func (w *World) staffed(ctx context.Context, t *testing.T, o *Org) {
	t.Helper()
	w.dedicated++
	scheme := w.scheme(t, o, decimal.New(300_007+9_973*w.dedicated*w.dedicated, -2), models.StaffApproved)
	w.text(o.Tag+" signatory", scheme.ID)
	w.text(o.Tag+" scheme", scheme.ID)
	person := w.dedicate(t, o, scheme.ID)
	for _, text := range []string{person.Name, person.Email} {
		w.text(text, person.ID)
	}
	w.staffMonth(t, o, person.ID, true)
	done, err := w.Staff.RequestPayment(ctx, selfOf(o), staff.RequestPayment{SchemeID: scheme.ID, Quarter: 3, Method: models.PayoutBank})
	must(t, err)
	w.amount(t, done.StaffPayment.Amount(), string(done.StaffPayment.ID))
}

// scheme invites the partner, and takes the scheme so far.
func (w *World) scheme(t *testing.T, o *Org, rate decimal.Decimal, state models.StaffSchemeState) models.StaffScheme {
	t.Helper()
	ctx := t.Context()
	done, err := w.Staff.Invite(ctx, w.who, staff.Invite{
		PartnerID: o.Partner.ID, Code: "FH", Name: o.Tag + " scheme", Year: 2026, HeadCount: 5, AgreementVersion: "2026-1",
		Rates: []models.StaffRate{{Role: "ENGINEER", DayRate: rate}},
	})
	must(t, err)
	if state == models.StaffInvited {
		return done.StaffScheme
	}
	id := done.StaffScheme.ID
	done, err = w.Staff.RequestScheme(ctx, selfOf(o), staff.RequestScheme{SchemeID: id, AgreementVersion: "2026-1", Signatory: o.Tag + " signatory"})
	must(t, err)
	if state == models.StaffApproved {
		done, err = w.Staff.ReviewScheme(ctx, w.who, staff.ReviewScheme{SchemeID: id, Approve: true})
		must(t, err)
	}
	return done.StaffScheme
}

// dedicate adds a person to a scheme that nobody else is.
func (w *World) dedicate(t *testing.T, o *Org, scheme models.ID) models.StaffMember {
	t.Helper()
	w.persons++
	done, err := w.Staff.AddMember(t.Context(), selfOf(o), staff.AddMember{
		SchemeID: scheme, Name: fmt.Sprintf("%s person %d", o.Tag, w.persons), NationalID: fmt.Sprintf("ID%08d", w.persons),
		Email: fmt.Sprintf("%s-staff-%d@example.com", o.Tag, w.persons), Role: "ENGINEER", Certificate: "Professional", From: "2026-07-01", Until: "2026-12-31",
	})
	must(t, err)
	return done.StaffMember
}

// staffMonth applies for seven days of August, and has them confirmed.
func (w *World) staffMonth(t *testing.T, o *Org, member models.ID, confirm bool) models.ID {
	t.Helper()
	done, err := w.Staff.ApplyForMonth(t.Context(), selfOf(o), staff.ApplyForMonth{MemberID: member, Month: "2026-08", Days: decimal.NewFromInt(7)})
	must(t, err)
	if confirm {
		_, err = w.Staff.ReviewMonth(t.Context(), w.who, staff.ReviewMonth{MonthID: done.StaffMonth.ID, Confirm: true})
		must(t, err)
	}
	return done.StaffMonth.ID
}

// staffPayment makes a partner with a payment that has come so far.
func (w *World) staffPayment(t *testing.T, method models.PayoutMethod, state models.StaffPaymentState) (*Org, models.ID) {
	t.Helper()
	ctx, o := t.Context(), w.rich(t, models.SolutionProvider, nil)
	w.Certified(t, o)
	scheme := w.scheme(t, o, decimal.NewFromInt(1000), models.StaffApproved)
	w.staffMonth(t, o, w.dedicate(t, o, scheme.ID).ID, true)
	done, err := w.Staff.RequestPayment(ctx, selfOf(o), staff.RequestPayment{SchemeID: scheme.ID, Quarter: 3, Method: method})
	must(t, err)
	id := done.StaffPayment.ID
	if state != models.StaffPaymentRequested {
		_, err = w.Staff.ReviewPayment(ctx, w.who, staff.ReviewPayment{PaymentID: id, Approve: true})
		must(t, err)
		_, err = w.Staff.ExportList(ctx, selfOf(o), staff.Payment{PaymentID: id})
		must(t, err)
	}
	if state == models.StaffPaymentAwaiting {
		_, err = w.Staff.PostPayment(ctx, selfOf(o), staff.PostPayment{PaymentID: id, InvoiceNumber: "1"})
		must(t, err)
	}
	return o, id
}

// indexStaff learns whose schemes, people, months and payments there are.
func (w *World) indexStaff(ctx context.Context, t *testing.T, orgs map[models.ID]*Org) {
	t.Helper()
	var schemes []models.StaffScheme
	var people []models.StaffMember
	var months []models.StaffMonth
	var payments []models.StaffPayment
	for _, rows := range []any{&schemes, &people, &months, &payments} {
		must(t, w.DB.NewSelect().Model(rows).Scan(ctx))
	}
	for _, row := range schemes {
		w.owners[row.ID] = holder{org: orgs[row.PartnerID]}
	}
	for _, row := range people {
		w.owners[row.ID] = holder{org: orgs[row.PartnerID]}
	}
	for _, row := range months {
		w.owners[row.ID] = holder{org: orgs[row.PartnerID]}
	}
	for _, row := range payments {
		w.owners[row.ID] = holder{org: orgs[row.PartnerID]}
	}
}

// staffMutations are those of dedicated staff that take a key.
func staffMutations() map[string]MoneyMutation {
	return map[string]MoneyMutation{
		"payStaffPayment": {
			Selection: "{staffPayment{id state amount{amount} reference}}", NoDebit: "its value comes from outside",
			Prepare: func(t *testing.T, w *World, calls int) MoneyCalls {
				return over(w.OperatorKey, "paymentId", several(calls+1, func() models.ID {
					_, id := w.staffPayment(t, models.PayoutAccount, models.StaffPaymentAwaiting)
					return id
				}), map[string]any{"reference": "R-1"})
			},
		},
	}
}

// staffCalls are those of dedicated staff that move no value.
func staffCalls() calls {
	with := func(field string, id models.ID, more map[string]any) map[string]any {
		input := map[string]any{field: id}
		maps.Copy(input, more)
		return input
	}
	key := func(w *World, o *Org, own bool) string {
		if own {
			return o.Key
		}
		return w.OperatorKey
	}
	scheme := func(state models.StaffSchemeState, own bool, more map[string]any) func(*testing.T, *Server, *World) Call {
		return func(t *testing.T, _ *Server, w *World) Call {
			o := w.rich(t, models.SolutionProvider, nil)
			return Call{key(w, o, own), with("schemeId", w.scheme(t, o, decimal.NewFromInt(10), state).ID, more)}
		}
	}
	person := func(more map[string]any) func(*testing.T, *Server, *World) Call {
		return func(t *testing.T, _ *Server, w *World) Call {
			o := w.rich(t, models.SolutionProvider, nil)
			return Call{o.Key, with("memberId", w.dedicate(t, o, w.scheme(t, o, decimal.NewFromInt(10), models.StaffApproved).ID).ID, more)}
		}
	}
	month := func(own bool, more map[string]any) func(*testing.T, *Server, *World) Call {
		return func(t *testing.T, _ *Server, w *World) Call {
			o := w.rich(t, models.SolutionProvider, nil)
			member := w.dedicate(t, o, w.scheme(t, o, decimal.NewFromInt(10), models.StaffApproved).ID).ID
			return Call{key(w, o, own), with("monthId", w.staffMonth(t, o, member, false), more)}
		}
	}
	payment := func(state models.StaffPaymentState, own bool, more map[string]any) func(*testing.T, *Server, *World) Call {
		return func(t *testing.T, _ *Server, w *World) Call {
			o, id := w.staffPayment(t, models.PayoutBank, state)
			return Call{key(w, o, own), with("paymentId", id, more)}
		}
	}
	return calls{
		"inviteToStaffScheme": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.OperatorKey, map[string]any{
				"partnerId": w.rich(t, models.SolutionProvider, nil).Partner.ID, "code": "FH", "name": "Scheme", "year": 2026, "headCount": 2,
				"rates": []map[string]any{{"role": "ENGINEER", "dayRate": "812.5"}}, "agreementVersion": "2026-1",
			}}
		},
		"requestStaffScheme":  scheme(models.StaffInvited, true, map[string]any{"agreementVersion": "2026-1", "signatory": "Somebody"}),
		"withdrawStaffScheme": scheme(models.StaffRequested, true, nil),
		"reviewStaffScheme":   scheme(models.StaffRequested, false, map[string]any{"approve": true}),
		"revokeStaffScheme":   scheme(models.StaffInvited, false, map[string]any{"reason": "audit"}),
		"addStaffMember": scheme(models.StaffApproved, true, map[string]any{
			"name": "Audited Person", "nationalId": "AUDITED 0001", "email": "audited@example.com", "role": "ENGINEER", "certificate": "Professional",
			"from": "2026-07-01", "until": "2026-12-31",
		}),
		"editStaffMember":      person(map[string]any{"certificate": "Expert"}),
		"removeStaffMember":    person(nil),
		"applyForStaffMonth":   person(map[string]any{"month": "2026-09", "days": "20.5"}),
		"withdrawStaffMonth":   month(true, nil),
		"reviewStaffMonth":     month(false, map[string]any{"confirm": true}),
		"withdrawStaffPayment": payment(models.StaffPaymentRequested, true, nil),
		"reviewStaffPayment":   payment(models.StaffPaymentRequested, false, map[string]any{"approve": false, "reason": "audit"}),
		"exportStaffList":      payment(models.StaffPaymentApproved, true, nil),
		"postStaffPayment":     payment(models.StaffPaymentApproved, true, map[string]any{"invoiceNumber": "audit"}),
		"requestStaffPayment": func(t *testing.T, _ *Server, w *World) Call {
			o := w.rich(t, models.SolutionProvider, nil)
			w.Certified(t, o)
			made := w.scheme(t, o, decimal.NewFromInt(1000), models.StaffApproved)
			w.staffMonth(t, o, w.dedicate(t, o, made.ID).ID, true)
			return Call{o.Key, map[string]any{"schemeId": made.ID, "quarter": 3, "method": "ACCOUNT"}}
		},
	}
}
