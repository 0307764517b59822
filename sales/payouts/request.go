package payouts

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
)

// maxStatements bounds how many statements one request names.
const maxStatements = 100

// RequestPayout says what a partner wants paid out, and how.
type RequestPayout struct {
	Method         models.PayoutMethod
	StatementIDs   []models.ID      // confirmed, of one currency, at most 100; nil = all
	Currency       *models.Currency // of the statements; nil = the partner's
	IdempotencyKey string           // 1 to 128 printable ASCII characters, made up once per request
}

// PayoutChange is a payout as a command left it. A repeated key returns it as it was then.
type PayoutChange struct {
	PayoutRequest models.PayoutRequest
}

// RequestPayout asks for confirmed statements to be paid out, exactly once per key (N03). It needs INCENTIVES_WRITE and the partner's own
// credential. Negative statements of the currency are taken along. Errors: INVALID with the field, NOT_FOUND for a statement that is not open; PRECONDITION_FAILED with NOTHING_TO_PAY,
// BELOW_MINIMUM, STATEMENT_IN_PAYOUT when another request was faster, CERTIFICATION_MISSING when money is to be paid out and what the
// partner says of itself is not certified in the currency, PAYOUT_CURRENCY when the balance or quotas of the partner are in another.
func (s *Service) RequestPayout(ctx context.Context, who models.Principal, cmd RequestPayout) (PayoutChange, error) {
	partner, err := mayEarn(who)
	if err != nil {
		return PayoutChange{}, err
	}
	if err := cmd.check(); err != nil {
		return PayoutChange{}, err
	}
	asked := struct {
		Method       models.PayoutMethod
		StatementIDs []models.ID
		Currency     *models.Currency
	}{cmd.Method, cmd.StatementIDs, cmd.Currency}
	done, err := ledger.Carry(ctx, s.DB, s.Ledger, who, cmd.IdempotencyKey, "requestPayout", asked, func(ctx context.Context, tx bun.IDB) (PayoutChange, error) {
		owner, err := selectPartner(ctx, tx, partner)
		if err != nil {
			return PayoutChange{}, err
		}
		currency := owner.Currency
		if cmd.Currency != nil {
			currency = *cmd.Currency
		}
		open, carried, err := s.open(ctx, tx, partner, currency)
		if err != nil {
			return PayoutChange{}, err
		}
		payout, parts, err := models.PlanPayout(open, cmd.StatementIDs, cmd.Method, carried)
		if err != nil {
			return PayoutChange{}, err
		}
		if payout.CertificationID, err = s.fit(ctx, tx, owner, payout.Method, payout.Currency); err != nil {
			return PayoutChange{}, err
		}
		payout.State = models.PayoutProcessing
		return s.insert(ctx, tx, who, owner, payout, parts)
	})
	return done, inPayout(err)
}

// inPayout says in the API's words what the unique index of living parts says.
func inPayout(err error) error {
	if store.Conflicts(err, "payout_statements") {
		return models.Precondition("STATEMENT_IN_PAYOUT", "A statement is in another payout.")
	}
	return err
}

func (cmd RequestPayout) check() error {
	switch {
	case !cmd.Method.Valid():
		return models.Invalid("method", "The method is VOUCHER_QUOTA, BANK_TRANSFER, ACCOUNT or ACCOUNT_INVOICE_DEBT.")
	case cmd.StatementIDs != nil && len(cmd.StatementIDs) == 0, len(cmd.StatementIDs) > maxStatements:
		return models.Invalid("statementIds", "Name 1 to 100 statements, or leave it out for all.")
	case cmd.Currency != nil && !cmd.Currency.Valid():
		return models.Invalid("currency", "The currency must be CNY or USD.")
	}
	for _, id := range cmd.StatementIDs {
		if err := id.Require(models.PrefixIncentiveStatement, "statementIds"); err != nil {
			return err
		}
	}
	return ledger.CheckKey(cmd.IdempotencyKey)
}

// open locks what of a partner's statements is confirmed and in no living payout, and says which of them were too little before.
func (s *Service) open(ctx context.Context, tx bun.IDB, partner models.ID, currency models.Currency) ([]models.IncentiveStatement, map[models.ID]bool, error) {
	confirmed, err := s.Incentives.OpenIn(ctx, tx, partner, currency)
	if err != nil {
		return nil, nil, err
	}
	ids := make([]models.ID, len(confirmed))
	for i, statement := range confirmed {
		ids[i] = statement.ID
	}
	held, err := selectLivingParts(ctx, tx, ids)
	if err != nil {
		return nil, nil, err
	}
	carries, err := selectCarries(ctx, tx, ids)
	if err != nil {
		return nil, nil, err
	}
	carried := make(map[models.ID]bool, len(carries))
	for _, carry := range carries {
		carried[carry.StatementID] = true
	}
	return slices.DeleteFunc(confirmed, func(statement models.IncentiveStatement) bool { return held[statement.ID] }), carried, nil
}

// fit says whether a partner may be paid by a method in a currency now, and to which certification money goes.
func (s *Service) fit(ctx context.Context, tx bun.IDB, partner models.Partner, method models.PayoutMethod, currency models.Currency) (models.ID, error) {
	if method != models.PayoutBank && currency != partner.Currency {
		return "", models.Precondition("PAYOUT_CURRENCY", "The partner's balance and quotas are in another currency: choose BANK_TRANSFER.")
	}
	if !method.Cash() {
		return "", nil
	}
	present, found, err := selectLivingForShare(ctx, tx, partner.ID)
	switch {
	case err != nil:
		return "", err
	case !found || present.State != models.CertificationCertified || present.Currency != currency:
		return "", models.Precondition("CERTIFICATION_MISSING", "Money is paid out to partners whose commercial information is certified in this currency (M13).")
	}
	return present.ID, nil
}

// insert writes a payout that was planned, with its parts.
func (s *Service) insert(ctx context.Context, tx bun.IDB, who models.Principal, partner models.Partner, payout models.PayoutRequest, parts []models.PayoutStatement) (PayoutChange, error) {
	now := s.now()
	payout.ID, payout.Cloud, payout.PartnerID = s.IDs(models.PrefixPayout), partner.Cloud, partner.ID
	payout.Invoices, payout.CreatedAt, payout.UpdatedAt = []models.PayoutInvoice{}, now, now
	if payout.State == models.PayoutProcessing {
		payout.SubmittedAt = &now
	}
	statements := make([]models.ID, len(parts))
	for i := range parts {
		parts[i].PayoutID, statements[i] = payout.ID, parts[i].StatementID
	}
	if err := insertPayout(ctx, tx, &payout, parts); err != nil {
		return PayoutChange{}, err
	}
	event := payoutEvent(models.EventPayoutRequested, "", payout)
	event.Data["statementIds"], event.Data["automatic"] = statements, payout.Automatic
	return PayoutChange{payout}, s.Events.Record(ctx, tx, who, event)
}

// payoutEvent tells the partner. What an operator wrote is in the payout alone.
func payoutEvent(what models.EventType, before models.PayoutState, p models.PayoutRequest) models.Event {
	event := models.Event{
		Type: what, PartnerID: p.PartnerID, SubjectID: string(p.ID), Fields: []string{"state"},
		Changes: []models.FieldChange{models.Changed("state", before, p.State)},
		Data:    map[string]any{"amount": p.Amount().Plain(), "currency": p.Currency, "method": p.Method},
	}
	if p.RejectionCode != "" {
		event.Data["rejectionCode"] = p.RejectionCode
	}
	return event
}

// HoldsIn reports whether a statement, which the caller has locked, is in a payout that was not withdrawn: for sales/incentives.
func (s *Service) HoldsIn(ctx context.Context, tx bun.IDB, statement models.ID) (bool, error) {
	held, err := selectLivingParts(ctx, tx, []models.ID{statement})
	return held[statement], err
}
