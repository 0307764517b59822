package models

import (
	"cmp"
	"slices"
	"time"

	"github.com/uptrace/bun"
)

// PayoutMethod says how a partner wants its incentives (N03).
type PayoutMethod string

// The methods. All but the first pay money out and have a minimum (MinimumPayout).
const (
	PayoutQuota       PayoutMethod = "VOUCHER_QUOTA"        // as a quota of vouchers, without an invoice
	PayoutBank        PayoutMethod = "BANK_TRANSFER"        // to the certified bank account, against an invoice
	PayoutAccount     PayoutMethod = "ACCOUNT"              // to the bonus account, against an invoice
	PayoutInvoiceDebt PayoutMethod = "ACCOUNT_INVOICE_DEBT" // to the bonus account at once; the invoice is owed and keeps it from being withdrawn (M11)
)

// Valid reports whether m is one of the methods.
func (m PayoutMethod) Valid() bool { return m == PayoutQuota || m.Cash() }

// Cash reports whether money is paid out.
func (m PayoutMethod) Cash() bool { return m == PayoutBank || m.ToAccount() }

// ToAccount reports whether the money goes to the partner's bonus account.
func (m PayoutMethod) ToAccount() bool { return m == PayoutAccount || m == PayoutInvoiceDebt }

// NeedsInvoice reports whether the partner has to invoice the cloud before it is paid.
func (m PayoutMethod) NeedsInvoice() bool { return m == PayoutBank || m == PayoutAccount }

// MinimumPayout is the least that is paid out in money, in minor units of the currency; what is less waits for the next period (N03). The
// vendor says CNY 1,000; USD 150 is this product's own figure.
func MinimumPayout(currency Currency) int64 {
	if currency == USD {
		return 15_000
	}
	return 100_000
}

// PayoutQuotaLife is how long a quota of vouchers that incentives were turned into may be used, in years.
const PayoutQuotaLife = 1

// PayoutDueAt returns when what a partner has confirmed of a month is paid out by itself: five days after its figures stand (N03).
func PayoutDueAt(period BillingCycle) time.Time { return StatementClosesAt(period).AddDate(0, 0, 5) }

// PayoutState is how far a payout has come (N04, 4.2).
type PayoutState string

// The states of a payout.
const (
	PayoutToSubmit           PayoutState = "TO_SUBMIT"
	PayoutProcessing         PayoutState = "PROCESSING"
	PayoutInvoicing          PayoutState = "PARTNER_INVOICING"
	PayoutInvoiceReview      PayoutState = "INVOICE_REVIEW"
	PayoutCountersigning     PayoutState = "COUNTERSIGNING"
	PayoutCountersignRefused PayoutState = "COUNTERSIGN_REJECTED"
	PayoutAwaitingRequest    PayoutState = "AWAITING_PAYMENT_REQUEST"
	PayoutOrderFailed        PayoutState = "PAYMENT_ORDER_FAILED"
	PayoutPaymentApproval    PayoutState = "PAYMENT_APPROVAL"
	PayoutPaid               PayoutState = "PAID"
	PayoutQuotaIssued        PayoutState = "QUOTA_ISSUED"
	PayoutWithdrawn          PayoutState = "WITHDRAWN"
)

// PayoutStates returns every state there is, in a fixed order.
func PayoutStates() []PayoutState {
	return []PayoutState{
		PayoutToSubmit, PayoutProcessing, PayoutInvoicing, PayoutInvoiceReview, PayoutCountersigning, PayoutCountersignRefused, PayoutAwaitingRequest,
		PayoutOrderFailed, PayoutPaymentApproval, PayoutPaid, PayoutQuotaIssued, PayoutWithdrawn,
	}
}

// Ended reports whether nothing happens to the payout any more.
func (s PayoutState) Ended() bool {
	return s == PayoutPaid || s == PayoutQuotaIssued || s == PayoutWithdrawn
}

// Withdrawable reports whether the partner may still take the payout back: it is its turn, or nobody has begun to look at it.
func (s PayoutState) Withdrawable() bool {
	return slices.Contains([]PayoutState{PayoutToSubmit, PayoutProcessing, PayoutInvoicing, PayoutCountersignRefused}, s)
}

// CanBecome reports whether a payout by this method may move from s to next (N04). Without an invoice there is nobody to invoice, to review one
// and to countersign; a quota is approved and issued.
func (s PayoutState) CanBecome(next PayoutState, method PayoutMethod) bool {
	if next == PayoutWithdrawn {
		return s.Withdrawable()
	}
	var to []PayoutState
	switch s {
	case PayoutToSubmit:
		to = []PayoutState{PayoutProcessing}
	case PayoutProcessing:
		to = []PayoutState{PayoutToSubmit, method.afterProcessing()}
	case PayoutInvoicing:
		to = []PayoutState{PayoutInvoiceReview}
	case PayoutInvoiceReview:
		to = []PayoutState{PayoutInvoicing, PayoutCountersigning}
	case PayoutCountersigning:
		to = []PayoutState{PayoutCountersignRefused, PayoutAwaitingRequest}
	case PayoutCountersignRefused:
		to = []PayoutState{PayoutCountersigning, PayoutInvoiceReview}
	case PayoutAwaitingRequest:
		to = []PayoutState{PayoutPaymentApproval, PayoutOrderFailed}
	case PayoutOrderFailed:
		to = []PayoutState{PayoutPaymentApproval}
	case PayoutPaymentApproval:
		to = []PayoutState{method.paid()}
		if method.Cash() {
			to = append(to, PayoutOrderFailed)
		}
	case PayoutPaid, PayoutQuotaIssued, PayoutWithdrawn:
	}
	return slices.Contains(to, next)
}

// afterProcessing is where an approved payout goes.
func (m PayoutMethod) afterProcessing() PayoutState {
	switch {
	case m.NeedsInvoice():
		return PayoutInvoicing
	case m == PayoutQuota:
		return PayoutPaymentApproval
	}
	return PayoutAwaitingRequest
}

// paid is how a payout ends well.
func (m PayoutMethod) paid() PayoutState {
	if m == PayoutQuota {
		return PayoutQuotaIssued
	}
	return PayoutPaid
}

// PayoutRejection says why an operator sent a payout back.
type PayoutRejection string

// The codes of rejection.
const (
	PayoutRejectedAmount    PayoutRejection = "AMOUNT_DISPUTED"
	PayoutRejectedMethod    PayoutRejection = "METHOD_NOT_ALLOWED"
	PayoutRejectedInvoice   PayoutRejection = "INVOICE_WRONG"
	PayoutRejectedMissing   PayoutRejection = "INVOICE_MISSING"
	PayoutRejectedDocuments PayoutRejection = "DOCUMENTS_MISSING"
	PayoutRejectedOther     PayoutRejection = "OTHER"
)

// Valid reports whether r is one of the codes.
func (r PayoutRejection) Valid() bool {
	return slices.Contains([]PayoutRejection{
		PayoutRejectedAmount, PayoutRejectedMethod, PayoutRejectedInvoice, PayoutRejectedMissing, PayoutRejectedDocuments, PayoutRejectedOther,
	}, r)
}

// MaxPayoutInvoices is how many invoices one payout has at most.
const MaxPayoutInvoices = 50

// PayoutInvoice is an invoice of the partner to the cloud, in the payout's currency.
type PayoutInvoice struct {
	Number      string   `json:"number"`
	IssuedOn    Date     `json:"issuedOn"`
	AmountMinor int64    `json:"amount"`
	Currency    Currency `json:"currency"`
}

// Amount returns what is invoiced.
func (i PayoutInvoice) Amount() Money { return NewMoney(i.AmountMinor, i.Currency) }

// PayoutRequest is statements of one partner in one currency that are paid out together, and what became of them (N03, N04). Its amount is what
// they come to: AmountMinor = due + CarriedMinor - OffsetMinor.
type PayoutRequest struct {
	bun.BaseModel `bun:"table:payout_requests,alias:pyt"`

	ID              ID              `bun:"id,pk"`
	Cloud           string          `bun:"cloud"` // whose outside world the money comes from
	PartnerID       ID              `bun:"partner_id"`
	Method          PayoutMethod    `bun:"method"`
	State           PayoutState     `bun:"state"`
	Currency        Currency        `bun:"currency"`
	AmountMinor     int64           `bun:"amount_minor"`              // more than zero
	CarriedMinor    int64           `bun:"carried_minor"`             // of it, from periods in which it was too little (N03)
	OffsetMinor     int64           `bun:"offset_minor"`              // what negative statements have taken off, zero or more
	Automatic       bool            `bun:"automatic"`                 // made by the partner's preference
	CertificationID ID              `bun:"certification_id,nullzero"` // that money is paid out to
	Invoices        []PayoutInvoice `bun:"invoices,type:jsonb"`
	RejectionCode   PayoutRejection `bun:"rejection_code,nullzero"` // of the latest rejection; zero once it goes on
	ReasonText      string          `bun:"reason_text,nullzero"`    // why it was sent back or not paid, for people
	PaymentOrder    string          `bun:"payment_order,nullzero"`  // the cloud's name for its order to pay
	Reference       string          `bun:"reference,nullzero"`      // of the payment
	TransferID      ID              `bun:"transfer_id,nullzero"`    // that credited the bonus account
	QuotaID         ID              `bun:"quota_id,nullzero"`       // of vouchers
	RestrictionID   ID              `bun:"restriction_id,nullzero"` // that keeps the money from being withdrawn until its invoice is there
	CreatedAt       time.Time       `bun:"created_at"`
	SubmittedAt     *time.Time      `bun:"submitted_at"` // the latest submission; nil = never
	EndedAt         *time.Time      `bun:"ended_at"`
	UpdatedAt       time.Time       `bun:"updated_at"`
}

// NodeID returns the id to page by.
func (p PayoutRequest) NodeID() ID { return p.ID }

// IsNode marks the type as a GraphQL Node.
func (PayoutRequest) IsNode() {}

// Amount returns what is paid out.
func (p PayoutRequest) Amount() Money { return NewMoney(p.AmountMinor, p.Currency) }

// CarriedOver returns what of it comes from periods in which it was too little.
func (p PayoutRequest) CarriedOver() Money { return NewMoney(p.CarriedMinor, p.Currency) }

// Offset returns what negative statements have taken off.
func (p PayoutRequest) Offset() Money { return NewMoney(p.OffsetMinor, p.Currency) }

// RejectionCodeOrNil returns RejectionCode, or nil when it is empty.
func (p PayoutRequest) RejectionCodeOrNil() *PayoutRejection {
	if p.RejectionCode == "" {
		return nil
	}
	return &p.RejectionCode
}

// ReasonTextOrNil returns ReasonText, or nil when it is empty.
func (p PayoutRequest) ReasonTextOrNil() *string { return orNil(p.ReasonText) }

// PaymentOrderOrNil returns PaymentOrder, or nil when it is empty.
func (p PayoutRequest) PaymentOrderOrNil() *string { return orNil(p.PaymentOrder) }

// ReferenceOrNil returns Reference, or nil when it is empty.
func (p PayoutRequest) ReferenceOrNil() *string { return orNil(p.Reference) }

// TransferIDOrNil returns TransferID, or nil when it is empty.
func (p PayoutRequest) TransferIDOrNil() *ID { return orNil(p.TransferID) }

// QuotaIDOrNil returns QuotaID, or nil when it is empty.
func (p PayoutRequest) QuotaIDOrNil() *ID { return orNil(p.QuotaID) }

// Become moves the payout to another state at now, or is PRECONDITION_FAILED with the reason PAYOUT_STATE and the present state as a detail.
func (p *PayoutRequest) Become(next PayoutState, now time.Time) error {
	if !p.State.CanBecome(next, p.Method) {
		return p.misplaced("cannot become " + string(next))
	}
	p.State, p.UpdatedAt = next, now
	if next.Ended() {
		p.EndedAt = &now
	}
	return nil
}

func (p *PayoutRequest) misplaced(what string) error {
	refused := Precondition("PAYOUT_STATE", "A payout that is "+string(p.State)+" "+what+".")
	refused.Details["state"] = string(p.State)
	return refused
}

// Submit hands the payout to the operators: for the first time, or again after they sent it back or did not countersign it. Errors as Become.
func (p *PayoutRequest) Submit(now time.Time) error {
	next := PayoutProcessing
	if p.State == PayoutCountersignRefused {
		next = PayoutCountersigning
	} else if p.State != PayoutToSubmit {
		return p.misplaced("waits for nothing of the partner's to submit")
	}
	p.SubmittedAt, p.RejectionCode, p.ReasonText = &now, "", ""
	return p.Become(next, now)
}

// Invoice takes the partner's invoices, whose sum must be the payout to the last cent (I05): INVOICE_SUM with both figures, INVOICE_TWICE for a
// number that is named twice, and PAYOUT_STATE when none are wanted.
func (p *PayoutRequest) Invoice(invoices []PayoutInvoice, now time.Time) error {
	if p.State != PayoutInvoicing && p.State != PayoutCountersignRefused {
		return p.misplaced("takes no invoices")
	}
	var sum int64
	seen := make(map[string]bool, len(invoices))
	for _, invoice := range invoices {
		if seen[invoice.Number] {
			return Precondition("INVOICE_TWICE", "Each invoice is named once.")
		}
		seen[invoice.Number] = true
		sum += invoice.AmountMinor
	}
	if sum != p.AmountMinor {
		refused := Precondition("INVOICE_SUM", "The invoices must come to the amount of the payout.")
		refused.Details["amount"], refused.Details["invoiced"] = p.Amount().Plain(), NewMoney(sum, p.Currency).Plain()
		return refused
	}
	p.Invoices, p.RejectionCode, p.ReasonText = invoices, "", ""
	return p.Become(PayoutInvoiceReview, now)
}

// Review lets what was submitted or invoiced go on. Errors as Become.
func (p *PayoutRequest) Review(now time.Time) error {
	switch p.State {
	case PayoutProcessing:
		return p.Become(p.Method.afterProcessing(), now)
	case PayoutInvoiceReview:
		return p.Become(PayoutCountersigning, now)
	}
	return p.misplaced("is not to be reviewed")
}

// Reject sends what was submitted or invoiced back to the partner, with a code and a text. Errors as Become.
func (p *PayoutRequest) Reject(code PayoutRejection, text string, now time.Time) error {
	switch p.State {
	case PayoutProcessing:
		return p.back(PayoutToSubmit, code, text, now)
	case PayoutInvoiceReview:
		return p.back(PayoutInvoicing, code, text, now)
	}
	return p.misplaced("is not to be reviewed")
}

// Countersign signs the cloud's part. Errors as Become.
func (p *PayoutRequest) Countersign(now time.Time) error {
	if p.State != PayoutCountersigning {
		return p.misplaced("is not to be countersigned")
	}
	return p.Become(PayoutAwaitingRequest, now)
}

// RefuseCountersign sends it back to the partner instead. Errors as Become.
func (p *PayoutRequest) RefuseCountersign(code PayoutRejection, text string, now time.Time) error {
	if p.State != PayoutCountersigning {
		return p.misplaced("is not to be countersigned")
	}
	return p.back(PayoutCountersignRefused, code, text, now)
}

func (p *PayoutRequest) back(to PayoutState, code PayoutRejection, text string, now time.Time) error {
	p.RejectionCode, p.ReasonText = code, text
	return p.Become(to, now)
}

// RequestPayment notes the order to pay, which waits for its approval. Errors as Become.
func (p *PayoutRequest) RequestPayment(order string, now time.Time) error {
	if p.State != PayoutAwaitingRequest && p.State != PayoutOrderFailed {
		return p.misplaced("is not to be paid yet")
	}
	p.PaymentOrder, p.ReasonText = order, ""
	return p.Become(PayoutPaymentApproval, now)
}

// FailPayment notes that the order to pay could not be made, or came back. Errors as Become.
func (p *PayoutRequest) FailPayment(text string, now time.Time) error {
	if err := p.Become(PayoutOrderFailed, now); err != nil {
		return err
	}
	p.ReasonText = text
	return nil
}

// Pay ends it well. Errors as Become.
func (p *PayoutRequest) Pay(reference string, now time.Time) error {
	p.Reference = reference
	return p.Become(p.Method.paid(), now)
}

// PayoutRequestConnection is a page of payouts.
type PayoutRequestConnection = Connection[PayoutRequest]

// PayoutRequestEdge is one of the payouts and its position.
type PayoutRequestEdge = Edge[PayoutRequest]

// PayoutPart says what a statement is in a payout.
type PayoutPart string

// The parts.
const (
	PartDue     PayoutPart = "DUE"          // it is paid out
	PartCarried PayoutPart = "CARRIED_OVER" // it was too little by itself, and is paid out now
	PartOffset  PayoutPart = "OFFSET"       // it is negative, and taken off
)

// PayoutStatement is a statement's part in a payout.
type PayoutStatement struct {
	bun.BaseModel `bun:"table:payout_statements,alias:pys"`

	PayoutID    ID           `bun:"payout_id,pk"`
	StatementID ID           `bun:"statement_id,pk"`
	Period      BillingCycle `bun:"period"`
	Part        PayoutPart   `bun:"part"`
	Currency    Currency     `bun:"currency"`
	AmountMinor int64        `bun:"amount_minor"` // the statement's total
	Living      bool         `bun:"living"`       // false once the payout was withdrawn; a statement has one living part at most
}

// Amount returns the statement's total.
func (p PayoutStatement) Amount() Money { return NewMoney(p.AmountMinor, p.Currency) }

// PayoutCarry says that a statement was too little to be paid out when its turn came, and waits for the next period (N03).
type PayoutCarry struct {
	bun.BaseModel `bun:"table:payout_carries,alias:pyc"`

	StatementID ID           `bun:"statement_id,pk"`
	Into        BillingCycle `bun:"into_period,pk"` // the period whose payout has it next
	PartnerID   ID           `bun:"partner_id"`
	Currency    Currency     `bun:"currency"`
	AmountMinor int64        `bun:"amount_minor"` // the statement's total
	CreatedAt   time.Time    `bun:"created_at"`
}

// PayoutPreference is how a partner wants its incentives paid out by themselves.
type PayoutPreference struct {
	bun.BaseModel `bun:"table:payout_preferences,alias:pyp"`

	PartnerID ID           `bun:"partner_id,pk"`
	Method    PayoutMethod `bun:"method,nullzero"` // zero = not by themselves
	UpdatedAt time.Time    `bun:"updated_at"`
}

// MethodOrNil returns Method, or nil when it is empty.
func (p PayoutPreference) MethodOrNil() *PayoutMethod {
	if p.Method == "" {
		return nil
	}
	return &p.Method
}

// PlanPayout works out a payout by a method of statements that are confirmed and in no other: of those that are chosen, nil = all. Whatever is
// negative, or nothing, is taken along whether it was chosen or not: it is offset against what is paid next (N03). carried says of which statements
// it was written before that they wait for a later period. All statements are of one partner and currency.
//
// It is NOT_FOUND with statementIds when a chosen statement is not among them, and PRECONDITION_FAILED with NOTHING_TO_PAY when it comes to zero
// or less, BELOW_MINIMUM when money would be paid out and it comes to less than MinimumPayout; the details say the figures.
func PlanPayout(open []IncentiveStatement, chosen []ID, method PayoutMethod, carried map[ID]bool) (PayoutRequest, []PayoutStatement, error) {
	none := PayoutRequest{}
	for _, id := range chosen {
		if !slices.ContainsFunc(open, func(s IncentiveStatement) bool { return s.ID == id }) {
			return none, nil, &Error{
				Code: CodeNotFound, Field: "statementIds", Message: "There is no such statement to pay out: it is not confirmed, is in another payout, is not of this currency, or you may not see it.",
			}
		}
	}
	payout := PayoutRequest{Method: method}
	var parts []PayoutStatement
	for _, statement := range open {
		if chosen != nil && statement.TotalMinor > 0 && !slices.Contains(chosen, statement.ID) {
			continue
		}
		part := PayoutStatement{
			StatementID: statement.ID, Period: statement.Period, Part: PartDue, Currency: statement.Currency, AmountMinor: statement.TotalMinor, Living: true,
		}
		switch {
		case statement.TotalMinor < 0:
			part.Part = PartOffset
			payout.OffsetMinor -= statement.TotalMinor
		case carried[statement.ID]:
			part.Part = PartCarried
			payout.CarriedMinor += statement.TotalMinor
		}
		payout.Currency = statement.Currency
		payout.AmountMinor += statement.TotalMinor
		parts = append(parts, part)
	}
	slices.SortFunc(parts, func(a, b PayoutStatement) int {
		return cmp.Or(cmp.Compare(a.Period, b.Period), cmp.Compare(a.StatementID, b.StatementID))
	})
	switch least := MinimumPayout(payout.Currency); {
	case payout.AmountMinor <= 0:
		return none, parts, payout.tooLittle(Precondition("NOTHING_TO_PAY", "What is confirmed comes to nothing that could be paid out; it is offset against what comes next."))
	case method.Cash() && payout.AmountMinor < least:
		refused := payout.tooLittle(Precondition("BELOW_MINIMUM", "This is too little to be paid out in money; it waits for the next period, or becomes a quota of vouchers."))
		refused.Details["minimum"] = NewMoney(least, payout.Currency).Plain()
		return none, parts, refused
	}
	return payout, parts, nil
}

// tooLittle adds to a refusal what the payout would come to.
func (p PayoutRequest) tooLittle(refused *Error) *Error {
	if p.Currency != "" {
		refused.Details["amount"], refused.Details["currency"] = p.Amount().Plain(), string(p.Currency)
	}
	return refused
}
