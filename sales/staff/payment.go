package staff

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
)

// RequestPayment asks for the payment of a quarter.
type RequestPayment struct {
	SchemeID models.ID
	Quarter  int                 // 1 to 4, of the scheme's year, over
	Method   models.PayoutMethod // BANK_TRANSFER or ACCOUNT; both against an invoice
}

// PaymentChanged is a payment as it is after the operation. A repeated key returns it as it was then.
type PaymentChanged struct {
	StaffPayment models.StaffPayment
}

// Payment names a payment for a step that needs no more.
type Payment struct {
	PaymentID models.ID
}

// RequestPayment asks for the confirmed months of a quarter to be paid, once per scheme and quarter, when the quarter is over and nothing of it waits
// for a decision (N07). Their exact amounts are added up and the sum is rounded. It needs INCENTIVES_WRITE and the partner's own credential. Errors:
// INVALID, NOT_FOUND; reasons STAFF_SCHEME_STATE, STAFF_QUARTER_OPEN, STAFF_QUARTER_REQUESTED, STAFF_MONTHS_WAITING, STAFF_NOTHING_TO_PAY,
// CERTIFICATION_MISSING, PAYOUT_CURRENCY.
func (s *Service) RequestPayment(ctx context.Context, who models.Principal, cmd RequestPayment) (PaymentChanged, error) {
	if err := mayApply(who); err != nil {
		return PaymentChanged{}, err
	}
	if err := cmd.SchemeID.Require(models.PrefixStaffScheme, "schemeId"); err != nil {
		return PaymentChanged{}, err
	}
	switch {
	case cmd.Quarter < 1 || cmd.Quarter > 4:
		return PaymentChanged{}, models.Invalid("quarter", "A quarter is 1 to 4.")
	case cmd.Method != models.PayoutBank && cmd.Method != models.PayoutAccount:
		return PaymentChanged{}, models.Invalid("method", "The method is BANK_TRANSFER or ACCOUNT.")
	}
	var done PaymentChanged
	err := s.under(ctx, who, cmd.SchemeID, func(ctx context.Context, tx bun.IDB, scheme *models.StaffScheme) error {
		row, err := s.plan(ctx, tx, *scheme, cmd)
		if err != nil {
			return err
		}
		if err := insertRow(ctx, tx, &row); err != nil {
			if store.Conflicts(err, "staff_payments", "quarter") {
				return ErrMonthPaid
			}
			return err
		}
		if err := updateMonthsPaid(ctx, tx, row); err != nil {
			return err
		}
		done.StaffPayment = row
		return s.Events.Record(ctx, tx, who, paymentEvent(models.EventStaffPaymentRequested, *scheme, row, ""))
	})
	if err != nil {
		return PaymentChanged{}, err
	}
	return done, nil
}

// plan works the payment of a quarter out.
func (s *Service) plan(ctx context.Context, tx bun.IDB, scheme models.StaffScheme, cmd RequestPayment) (models.StaffPayment, error) {
	none, now := models.StaffPayment{}, s.now()
	if err := scheme.Running(); err != nil {
		return none, err
	}
	if now.Before(models.StaffQuarterEnds(scheme.Year, cmd.Quarter)) {
		return none, ErrQuarterOpen
	}
	taken, err := paymentLives(ctx, tx, scheme.ID, scheme.Year, cmd.Quarter)
	switch {
	case err != nil:
		return none, err
	case taken:
		return none, ErrMonthPaid
	}
	months, err := selectQuarter(ctx, tx, scheme.ID, models.StaffQuarterMonths(scheme.Year, cmd.Quarter))
	if err != nil {
		return none, err
	}
	var confirmed []models.StaffMonth
	for _, month := range months {
		switch month.State {
		case models.StaffMonthApplied:
			return none, ErrMonthsWaiting
		case models.StaffMonthConfirmed:
			confirmed = append(confirmed, month)
		case models.StaffMonthRejected, models.StaffMonthWithdrawn:
		}
	}
	exact, minor := models.StaffPaymentTotal(confirmed, scheme.Currency)
	if minor <= 0 {
		return none, ErrNothingConfirmed
	}
	if err := s.Payer.PayableIn(ctx, tx, scheme.PartnerID, cmd.Method, scheme.Currency); err != nil {
		return none, err
	}
	return models.StaffPayment{
		ID: s.IDs(models.PrefixStaffPayment), SchemeID: scheme.ID, PartnerID: scheme.PartnerID, Year: scheme.Year, Quarter: cmd.Quarter,
		State: models.StaffPaymentRequested, Method: cmd.Method, Currency: scheme.Currency, Exact: exact, AmountMinor: minor, CreatedAt: now, UpdatedAt: now,
	}, nil
}

func paymentEvent(what models.EventType, scheme models.StaffScheme, row models.StaffPayment, before models.StaffPaymentState) models.Event {
	data := map[string]any{"amount": row.Amount().Plain(), "currency": row.Currency, "method": row.Method, "year": row.Year, "quarter": row.Quarter}
	for name, text := range map[string]string{"invoiceNumber": row.InvoiceNumber, "reference": row.Reference, "transferId": string(row.TransferID)} {
		if text != "" {
			data[name] = text
		}
	}
	var changes []models.FieldChange
	if before != row.State {
		changes = append(changes, models.Changed("state", before, row.State))
	}
	return happened(what, scheme, row.ID, changes, data)
}

// WithdrawPayment takes a payment back until it is posted; its months may be asked for again. It needs INCENTIVES_WRITE and the partner's own
// credential. NOT_FOUND; STAFF_PAYMENT_STATE.
func (s *Service) WithdrawPayment(ctx context.Context, who models.Principal, cmd Payment) (PaymentChanged, error) {
	if err := mayApply(who); err != nil {
		return PaymentChanged{}, err
	}
	return s.movePayment(ctx, who, cmd.PaymentID, models.EventStaffPaymentWithdrawn, func(_ context.Context, _ bun.IDB, row *models.StaffPayment) error {
		return row.Become(models.StaffPaymentWithdrawn, s.now())
	})
}

// ReviewPayment decides about a payment.
type ReviewPayment struct {
	PaymentID models.ID
	Approve   bool
	Reason    *string // why not, 1 to 256 characters, for the partner; required unless it is approved
}

// ReviewPayment approves a payment, or rejects it with a reason: its months may be asked for again. Operators with BENEFITS_REVIEW only. INVALID,
// NOT_FOUND; STAFF_PAYMENT_STATE.
func (s *Service) ReviewPayment(ctx context.Context, who models.Principal, cmd ReviewPayment) (PaymentChanged, error) {
	if err := mayReview(who); err != nil {
		return PaymentChanged{}, err
	}
	reason, err := checkReason(cmd.Approve, cmd.Reason)
	if err != nil {
		return PaymentChanged{}, err
	}
	next, what := models.StaffPaymentRejected, models.EventStaffPaymentRejected
	if cmd.Approve {
		next, what = models.StaffPaymentApproved, models.EventStaffPaymentApproved
	}
	return s.movePayment(ctx, who, cmd.PaymentID, what, func(_ context.Context, _ bun.IDB, row *models.StaffPayment) error {
		row.Reason = reason
		return row.Become(next, s.now())
	})
}

// PostPayment says which invoice was sent with the printed list.
type PostPayment struct {
	PaymentID     models.ID
	InvoiceNumber string // 1 to 64 printable ASCII characters
}

// PostPayment notes that list and invoice were posted: the payment waits for the vendor (N07). It needs INCENTIVES_WRITE and the partner's own
// credential. INVALID, NOT_FOUND; STAFF_PAYMENT_STATE, STAFF_LIST_NOT_PRINTED.
func (s *Service) PostPayment(ctx context.Context, who models.Principal, cmd PostPayment) (PaymentChanged, error) {
	if err := mayApply(who); err != nil {
		return PaymentChanged{}, err
	}
	if err := models.CheckReference(cmd.InvoiceNumber, "invoiceNumber", models.MaxReference); err != nil {
		return PaymentChanged{}, err
	}
	return s.movePayment(ctx, who, cmd.PaymentID, models.EventStaffPaymentPosted, func(_ context.Context, _ bun.IDB, row *models.StaffPayment) error {
		return row.Post(cmd.InvoiceNumber, s.now())
	})
}

// Pay says that a payment was made.
type Pay struct {
	PaymentID      models.ID
	Reference      string // of the payment, 1 to 64 printable ASCII characters
	IdempotencyKey string // 1 to 128 printable ASCII characters, made up once per payment
}

// Pay ends a payment that waits for the vendor, exactly once per key: with ACCOUNT the bonus account is credited in the same transaction, as payouts do;
// a bank transfer has left outside this ledger, and the reference says where. Operators with PAYOUTS_WRITE only. INVALID, NOT_FOUND; reasons
// STAFF_PAYMENT_STATE, CERTIFICATION_MISSING, PAYOUT_CURRENCY.
func (s *Service) Pay(ctx context.Context, who models.Principal, cmd Pay) (PaymentChanged, error) {
	if err := operators(who, models.WritePayouts); err != nil {
		return PaymentChanged{}, err
	}
	if err := cmd.PaymentID.Require(models.PrefixStaffPayment, "paymentId"); err != nil {
		return PaymentChanged{}, err
	}
	if err := models.CheckReference(cmd.Reference, "reference", models.MaxReference); err != nil {
		return PaymentChanged{}, err
	}
	asked := struct {
		PaymentID models.ID
		Reference string
	}{cmd.PaymentID, cmd.Reference}
	return ledger.Carry(ctx, s.DB, s.Ledger, who, cmd.IdempotencyKey, "payStaffPayment", asked, func(ctx context.Context, tx bun.IDB) (PaymentChanged, error) {
		return s.movePaymentIn(ctx, tx, who, cmd.PaymentID, models.EventStaffPaymentPaid, func(ctx context.Context, tx bun.IDB, row *models.StaffPayment) error {
			if err := row.Become(models.StaffPaymentPaid, s.now()); err != nil {
				return err
			}
			if err := s.Payer.PayableIn(ctx, tx, row.PartnerID, row.Method, row.Currency); err != nil {
				return err
			}
			row.Reference = cmd.Reference
			if row.Method != models.PayoutAccount {
				return nil
			}
			var err error
			row.TransferID, err = s.Payer.CreditIn(ctx, tx, who, row.PartnerID, row.ID, row.Amount())
			return err
		})
	})
}

// change is what a step does to a payment.
type change func(ctx context.Context, tx bun.IDB, row *models.StaffPayment) error

func (s *Service) movePayment(ctx context.Context, who models.Principal, id models.ID, what models.EventType, step change) (done PaymentChanged, err error) {
	if err := id.Require(models.PrefixStaffPayment, "paymentId"); err != nil {
		return done, err
	}
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		done, err = s.movePaymentIn(ctx, tx, who, id, what, step)
		return err
	})
	if err != nil {
		return PaymentChanged{}, err
	}
	return done, nil
}

func (s *Service) movePaymentIn(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID, what models.EventType, step change) (PaymentChanged, error) {
	none := PaymentChanged{}
	seen, err := selectPayments(ctx, tx, who, []models.ID{id})
	switch {
	case err != nil:
		return none, err
	case len(seen) == 0:
		return none, ErrPaymentUnknown
	}
	scheme, found, err := selectSchemeForUpdate(ctx, tx, who, seen[0].SchemeID)
	switch {
	case err != nil:
		return none, err
	case !found:
		return none, ErrPaymentUnknown
	}
	rows, err := selectPayments(ctx, tx, who, []models.ID{id}) // as it is now that nobody changes it
	switch {
	case err != nil:
		return none, err
	case len(rows) == 0:
		return none, ErrPaymentUnknown
	}
	row := &rows[0]
	before := row.State
	if err := step(ctx, tx, row); err != nil {
		return none, err
	}
	if err := updateRow(ctx, tx, row); err != nil {
		return none, err
	}
	if row.State.Ended() {
		if err := updateMonthsFree(ctx, tx, row.ID); err != nil {
			return none, err
		}
	}
	return PaymentChanged{*row}, s.Events.Record(ctx, tx, who, paymentEvent(what, scheme, *row, before))
}
