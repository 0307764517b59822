package payouts

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// SetPreference says how a partner wants its incentives paid out by themselves.
type SetPreference struct {
	Method *models.PayoutMethod // nil = not by themselves
}

// PreferenceChange is a preference as a command left it.
type PreferenceChange struct {
	PayoutPreference models.PayoutPreference
}

// SetPreference chooses the method by which everything that is confirmed is paid out on the fifth day after a month's figures stand, from the
// next such day on (N03). It needs INCENTIVES_WRITE and the partner's own credential; INVALID for an unknown method.
func (s *Service) SetPreference(ctx context.Context, who models.Principal, cmd SetPreference) (PreferenceChange, error) {
	partner, err := mayEarn(who)
	if err != nil {
		return PreferenceChange{}, err
	}
	wanted := models.PayoutPreference{PartnerID: partner, UpdatedAt: s.now()}
	if cmd.Method != nil {
		if wanted.Method = *cmd.Method; !wanted.Method.Valid() {
			return PreferenceChange{}, models.Invalid("method", "The method is VOUCHER_QUOTA, BANK_TRANSFER, ACCOUNT or ACCOUNT_INVOICE_DEBT.")
		}
	}
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		before, err := selectPreferenceForUpdate(ctx, tx, partner)
		if err != nil {
			return err
		}
		if err := upsertPreference(ctx, tx, &wanted); err != nil {
			return err
		}
		return s.Events.Record(ctx, tx, who, models.Event{
			Type: models.EventPayoutPreferenceSet, PartnerID: partner, SubjectID: string(partner), Fields: []string{"method"},
			Changes: []models.FieldChange{models.Changed("method", before.Method, wanted.Method)},
		})
	})
	if err != nil {
		return PreferenceChange{}, err
	}
	return PreferenceChange{wanted}, nil
}

// PayDue is what models.JobPayoutDue does about a confirmed statement, and is put off when it comes before its day (N03). It asks for a payout of
// everything that is confirmed, by the method that the partner has chosen: one that waits for the partner to submit it when it is not certified.
// What is too little waits for the next period, and the record says so. It does nothing without a preference, and when the statement is in a payout or
// done, so that a partner's period is paid out by itself once.
func (s *Service) PayDue(ctx context.Context, id models.ID) error {
	who := models.SystemPrincipal("payouts")
	found, err := s.Incentives.StatementsByIDs(ctx, who, []models.ID{id})
	statement, known := found[id]
	if err != nil || !known {
		return err
	}
	if due := models.PayoutDueAt(statement.Period); s.now().Before(due) {
		return models.NotDue{Until: due}
	}
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		preference, err := selectPreferenceForUpdate(ctx, tx, statement.PartnerID)
		if err != nil || preference.Method == "" {
			return err
		}
		return s.payDueIn(ctx, tx, who, statement, preference.Method)
	})
	if models.ReasonOf(inPayout(err)) == "STATEMENT_IN_PAYOUT" { // the partner was faster
		return nil
	}
	return err
}

func (s *Service) payDueIn(ctx context.Context, tx bun.IDB, who models.Principal, statement models.IncentiveStatement, method models.PayoutMethod) error {
	owner, err := selectPartner(ctx, tx, statement.PartnerID)
	if err != nil {
		return err
	}
	open, carried, err := s.open(ctx, tx, owner.ID, statement.Currency)
	if err != nil {
		return err
	}
	isOpen := false
	for _, one := range open {
		isOpen = isOpen || one.ID == statement.ID
	}
	if !isOpen {
		return nil
	}
	payout, parts, err := models.PlanPayout(open, nil, method, carried)
	switch models.ReasonOf(err) {
	case "NOTHING_TO_PAY", "BELOW_MINIMUM":
		return s.carry(ctx, tx, who, statement, parts)
	}
	if err != nil {
		return err
	}
	payout.Automatic, payout.State = true, models.PayoutProcessing
	payout.CertificationID, err = s.fit(ctx, tx, owner, method, payout.Currency)
	switch models.ReasonOf(err) {
	case "CERTIFICATION_MISSING", "PAYOUT_CURRENCY":
		payout.State, err = models.PayoutToSubmit, nil
	}
	if err != nil {
		return err
	}
	_, err = s.insert(ctx, tx, who, owner, payout, parts)
	return err
}

// carry writes that statements wait for the period after the one whose turn it is, once each.
func (s *Service) carry(ctx context.Context, tx bun.IDB, who models.Principal, turn models.IncentiveStatement, parts []models.PayoutStatement) error {
	into := models.BillingCycleAt(turn.Period.Ends())
	for _, part := range parts {
		if part.Period > turn.Period {
			continue // its own turn comes
		}
		carry := models.PayoutCarry{
			StatementID: part.StatementID, Into: into, PartnerID: turn.PartnerID, Currency: part.Currency, AmountMinor: part.AmountMinor, CreatedAt: s.now(),
		}
		written, err := insertCarry(ctx, tx, &carry)
		if err != nil {
			return err
		}
		if !written {
			continue
		}
		err = s.Events.Record(ctx, tx, who, models.Event{
			Type: models.EventStatementCarried, PartnerID: turn.PartnerID, SubjectID: string(part.StatementID), Fields: []string{"carriedInto"},
			Changes: []models.FieldChange{models.Changed("carriedInto", "", into)},
			Data:    map[string]any{"amount": part.Amount().Plain(), "currency": part.Currency, "period": part.Period},
		})
		if err != nil {
			return err
		}
	}
	return nil
}
