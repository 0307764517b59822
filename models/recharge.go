package models

import (
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"
)

// RechargeMethod is how money gets in (M08).
type RechargeMethod string

// The methods of recharge.
const (
	RechargeOnline       RechargeMethod = "ONLINE"        // through a payment provider
	RechargeBankTransfer RechargeMethod = "BANK_TRANSFER" // to the signing entity's account; vendor channel 2
)

// RechargeChannel is what an online payment is paid with (3.6).
type RechargeChannel string

// The online channels. Vendor codes: 1 Alipay, 5 WeChat, 317 UnionPay, 4 e-bank; cards have none.
const (
	ChannelAlipay   RechargeChannel = "ALIPAY"
	ChannelWeChat   RechargeChannel = "WECHAT"
	ChannelCard     RechargeChannel = "CARD"
	ChannelUnionPay RechargeChannel = "UNIONPAY"
	ChannelEBank    RechargeChannel = "E_BANK"
)

// Valid reports whether c is one of the channels.
func (c RechargeChannel) Valid() bool {
	return slices.Contains([]RechargeChannel{ChannelAlipay, ChannelWeChat, ChannelCard, ChannelUnionPay, ChannelEBank}, c)
}

// RechargeState is the state of a recharge.
type RechargeState string

// The states of a recharge.
const (
	RechargePending   RechargeState = "PENDING"
	RechargeConfirmed RechargeState = "CONFIRMED" // the money arrived and is credited
	RechargeFailed    RechargeState = "FAILED"    // refused by an operator
	RechargeCancelled RechargeState = "CANCELLED" // given up by the payer
	RechargeExpired   RechargeState = "EXPIRED"   // nobody paid in time
)

// CanBecome reports whether a recharge may move from s to next. Money can be on its way when the payer gives up or the time
// runs out, and it is the payer's all the same: a cancelled or expired recharge is still confirmed when it arrives. What an
// operator refused stays refused, and what is confirmed stays so.
func (s RechargeState) CanBecome(next RechargeState) bool {
	var to []RechargeState
	switch s {
	case RechargePending:
		to = []RechargeState{RechargeConfirmed, RechargeFailed, RechargeCancelled, RechargeExpired}
	case RechargeCancelled, RechargeExpired:
		to = []RechargeState{RechargeConfirmed}
	}
	return slices.Contains(to, next)
}

// How long a recharge waits for its money: a bank transfer takes days, an online payment minutes.
const (
	OnlineRechargeLife       = 24 * time.Hour
	BankTransferRechargeLife = 14 * 24 * time.Hour
)

// Life returns how long a recharge by this method waits for its money.
func (m RechargeMethod) Life() time.Duration {
	if m == RechargeBankTransfer {
		return BankTransferRechargeLife
	}
	return OnlineRechargeLife
}

// Recharge is money that a partner or customer means to put into its own balance (M08). Exactly one of PartnerID and
// CustomerID is set.
type Recharge struct {
	bun.BaseModel `bun:"table:recharges,alias:rc"`

	ID                ID              `bun:"id,pk"`
	PartnerID         ID              `bun:"partner_id,nullzero"`
	CustomerID        ID              `bun:"customer_id,nullzero"`
	Cloud             string          `bun:"cloud"`
	SigningEntity     string          `bun:"signing_entity"` // who receives the money
	Method            RechargeMethod  `bun:"method"`
	Channel           RechargeChannel `bun:"channel,nullzero"`  // of ONLINE only
	Provider          string          `bun:"provider,nullzero"` // of ONLINE only
	Reference         string          `bun:"reference"`         // that the payer quotes; unique
	Currency          Currency        `bun:"currency"`
	AmountMinor       int64           `bun:"amount_minor"` // that was asked for
	ReceivedMinor     *int64          `bun:"received_minor"`
	State             RechargeState   `bun:"state"`                       // PENDING until the sweep even when the time has run out: see StateAt
	ProviderReference string          `bun:"provider_reference,nullzero"` // of the provider's payment or the bank's statement; credited once
	PayURL            string          `bun:"pay_url,nullzero"`
	Instructions      string          `bun:"instructions,nullzero"`
	Reason            string          `bun:"reason,nullzero"` // why it failed
	TransferID        ID              `bun:"transfer_id,nullzero"`
	ExpiresAt         time.Time       `bun:"expires_at"`
	ConfirmedAt       *time.Time      `bun:"confirmed_at"`
	CreatedAt         time.Time       `bun:"created_at"`
	UpdatedAt         time.Time       `bun:"updated_at"`
}

// NodeID returns the id to page by.
func (r Recharge) NodeID() ID { return r.ID }

// IsNode marks the type as a GraphQL Node.
func (Recharge) IsNode() {}

// Amount returns what was asked for.
func (r Recharge) Amount() Money { return NewMoney(r.AmountMinor, r.Currency) }

// Received returns what arrived and was credited; nil before.
func (r Recharge) Received() *Money {
	if r.ReceivedMinor == nil {
		return nil
	}
	received := NewMoney(*r.ReceivedMinor, r.Currency)
	return &received
}

// StateAt returns the state at an instant: a pending recharge whose time has run out is expired, whether or not the sweep
// has come by.
func (r Recharge) StateAt(now time.Time) RechargeState {
	if r.State == RechargePending && !now.Before(r.ExpiresAt) {
		return RechargeExpired
	}
	return r.State
}

// Become moves the recharge to the next state, or is PRECONDITION_FAILED with the state that forbids it as the reason:
// RECHARGE_CONFIRMED, RECHARGE_FAILED, RECHARGE_CANCELLED or RECHARGE_EXPIRED; RECHARGE_PENDING for one that is not due.
func (r *Recharge) Become(next RechargeState, now time.Time) error {
	from := r.StateAt(now)
	if next == RechargeExpired && r.State == RechargePending {
		if from == RechargePending {
			return Precondition("RECHARGE_PENDING", "This recharge still has time.")
		}
		from = RechargePending
	}
	if !from.CanBecome(next) {
		return Precondition("RECHARGE_"+string(from), "This recharge is "+strings.ToLower(string(from))+".")
	}
	r.State, r.UpdatedAt = next, now
	return nil
}

// Confirm records that money arrived. What arrived counts, not what was asked for.
func (r *Recharge) Confirm(received Money, now time.Time) error {
	if err := r.Become(RechargeConfirmed, now); err != nil {
		return err
	}
	r.ReceivedMinor, r.ConfirmedAt = &received.Minor, &now
	return nil
}

// RechargeReference derives what the payer quotes from the recharge's id: its last 12 characters are 60 random bits, and
// base 32 without the letters that are mistaken for digits is easily read out.
func RechargeReference(id ID) string {
	return "R" + strings.ToUpper(string(id[max(0, len(id)-12):]))
}

// ChannelOrNil returns Channel, or nil when there is none.
func (r Recharge) ChannelOrNil() *RechargeChannel {
	if r.Channel == "" {
		return nil
	}
	return &r.Channel
}

// ProviderReferenceOrNil returns ProviderReference, or nil when it is empty.
func (r Recharge) ProviderReferenceOrNil() *string { return orNil(r.ProviderReference) }

// PayURLOrNil returns PayURL, or nil when it is empty.
func (r Recharge) PayURLOrNil() *string { return orNil(r.PayURL) }

// InstructionsOrNil returns Instructions, or nil when it is empty.
func (r Recharge) InstructionsOrNil() *string { return orNil(r.Instructions) }

// ReasonOrNil returns Reason, or nil when it is empty.
func (r Recharge) ReasonOrNil() *string { return orNil(r.Reason) }

// RechargeConnection is a page of recharges.
type RechargeConnection = Connection[Recharge]

// RechargeEdge is one of the recharges and its position.
type RechargeEdge = Edge[Recharge]

// BankAccount is where a bank transfer goes to.
type BankAccount struct {
	Bank          string `json:"bank"`
	AccountName   string `json:"accountName"`
	AccountNumber string `json:"accountNumber"`
	BankCode      string `json:"bankCode"` // CNAPS or SWIFT; empty = none
}

// BankCodeOrNil returns BankCode, or nil when it is empty.
func (b BankAccount) BankCodeOrNil() *string { return orNil(b.BankCode) }

// RechargeOption is one way that is open to somebody.
type RechargeOption struct {
	Method       RechargeMethod
	Channel      *RechargeChannel // of ONLINE only
	Maximum      Money            // of one recharge
	Instructions string
	BankAccount  *BankAccount // of BANK_TRANSFER only
}

// RechargeOptions are all ways that are open to somebody, or why there are none.
type RechargeOptions struct {
	Refusal       *string // the reason that startRecharge would give; nil = it may recharge
	SigningEntity *string // who receives the money
	Currency      *Currency
	Options       []RechargeOption
}
