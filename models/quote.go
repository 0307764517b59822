package models

import (
	"slices"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"
)

// QuoteKind says what a quote answers.
type QuoteKind string

// The kinds. All can be ordered but what on-demand use costs, which can only be known (K03, K04, K08).
const (
	QuotePurchase QuoteKind = "PURCHASE"
	QuoteRenewal  QuoteKind = "RENEWAL"
	QuoteChange   QuoteKind = "CHANGE"
	QuoteToPeriod QuoteKind = "TO_PERIOD"
	QuoteOnDemand QuoteKind = "ON_DEMAND"
)

// Quote is a price inquiry's answer, kept as it was given: what was asked, the list price of one catalogue version, and what each
// discount that the customer had makes of it. It never changes. PartnerID is the customer's partner of that moment when the customer is
// its resale customer or the partner asked, zero when an advisory customer asked for itself: only that partner sees it (O02).
type Quote struct {
	bun.BaseModel `bun:"table:quotes,alias:qot" json:"-"`

	ID               ID              `bun:"id,pk" json:"id"`
	Cloud            string          `bun:"cloud" json:"cloud"`
	CustomerID       ID              `bun:"customer_id" json:"customerId"`
	PartnerID        ID              `bun:"partner_id,nullzero" json:"partnerId"`
	Kind             QuoteKind       `bun:"kind" json:"kind"`
	CatalogueVersion ID              `bun:"version_id" json:"catalogueVersion"` // ctv_; whose prices these are
	Currency         Currency        `bun:"currency" json:"currency"`
	Precision        int             `bun:"precision" json:"precision"` // fraction digits of every amount: 2, on demand 6 or 10
	Official         decimal.Decimal `bun:"official" json:"official"`   // the sum of the lines' list prices
	Lines            []QuoteLine     `bun:"lines,type:jsonb" json:"lines"`
	Offers           []QuoteOffer    `bun:"offers,type:jsonb" json:"offers"`       // cheapest first, so that the first is the best; empty without a discount
	Discounts        []Discount      `bun:"discounts,type:jsonb" json:"discounts"` // those considered, as they were
	ExpiresAt        time.Time       `bun:"expires_at" json:"expiresAt"`
	CreatedAt        time.Time       `bun:"created_at" json:"createdAt"` // the moment whose prices and discounts count
}

// QuoteLine is one product of a quote, or with ParentID a part that is bought with the line it names: the system disk of a server
// (O11). Parts follow their line.
type QuoteLine struct {
	Charge

	ID         string          `json:"id"`                 // the caller's, unique in the quote; it links answer to question (K03)
	ParentID   string          `json:"parentId,omitempty"` // the id of the line it is part of; empty = none
	Position   int             `json:"position"`           // from 1
	ResourceID ID              `json:"resourceId,omitempty"`
	UnitPrice  decimal.Decimal `json:"unitPrice"` // of one piece, period and size unit, or of one unit of use
	Official   decimal.Decimal `json:"official"`
	Offers     []QuoteOffer    `json:"offers"` // of the discounts that apply to this line, cheapest first
	Change     *LineChange     `json:"change,omitempty"`
}

// QuoteOffer is what one discount makes of a line or of the whole quote. Only one of several discounts can be taken.
type QuoteOffer struct {
	DiscountID ID              `json:"discountId"`
	Kind       DiscountKind    `json:"kind"`
	Mode       DiscountMode    `json:"mode"`
	Value      decimal.Decimal `json:"value"`
	Amount     decimal.Decimal `json:"amount"`    // to pay
	Saving     decimal.Decimal `json:"saving"`    // below the list price; not negative
	BestOffer  bool            `json:"bestOffer"` // exactly one: the biggest saving, then 605, then the partner's (3.3)
	Lines      int             `json:"lines"`     // how many lines it touches
}

// NodeID returns the id to page by.
func (q Quote) NodeID() ID { return q.ID }

// IsNode marks the type as a GraphQL Node.
func (Quote) IsNode() {}

// OfficialMinor returns the list price in minor units; for a purchase or renewal it is exact.
func (q Quote) OfficialMinor() int64 { return minorOf(q.Official, q.Currency) }

// AmountMinor returns what there is to pay in minor units with a discount taken, the zero id for none, and whether the quote offers
// it. It is the sum of the lines' AmountMinor.
func (q Quote) AmountMinor(discount ID) (int64, bool) {
	if discount == "" {
		return q.OfficialMinor(), true
	}
	for _, offer := range q.Offers {
		if offer.DiscountID == discount {
			return minorOf(offer.Amount, q.Currency), true
		}
	}
	return 0, false
}

// BestOffer returns the cheapest of the offers, nil when there is none.
func (q Quote) BestOffer() *QuoteOffer { return bestOf(q.Offers) }

// Open returns nil while the quote can be ordered: PRECONDITION_FAILED with the reason QUOTE_NOT_ORDERABLE for what on-demand use
// costs, and QUOTE_EXPIRED when its time is over.
func (q Quote) Open(now time.Time) error {
	switch {
	case q.Kind == QuoteOnDemand:
		return Precondition("QUOTE_NOT_ORDERABLE", "A quote of on-demand use tells a price; there is nothing to order.")
	case !now.Before(q.ExpiresAt):
		return Precondition("QUOTE_EXPIRED", "This quote has expired; ask for the price again.")
	}
	return nil
}

// OfficialMinor returns the line's list price in minor units of its currency.
func (l QuoteLine) OfficialMinor() int64 { return minorOf(l.Official, l.Currency) }

// AmountMinor returns what the line costs in minor units with a discount taken: the list price where the discount does not touch
// it, and for the zero id.
func (l QuoteLine) AmountMinor(discount ID) int64 {
	for _, offer := range l.Offers {
		if offer.DiscountID == discount {
			return minorOf(offer.Amount, l.Currency)
		}
	}
	return l.OfficialMinor()
}

// BestOffer returns the cheapest of the line's offers, nil when no discount touches it.
func (l QuoteLine) BestOffer() *QuoteOffer { return bestOf(l.Offers) }

func bestOf(offers []QuoteOffer) *QuoteOffer {
	at := slices.IndexFunc(offers, func(o QuoteOffer) bool { return o.BestOffer })
	if at < 0 {
		return nil
	}
	return &offers[at]
}

func minorOf(amount decimal.Decimal, currency Currency) int64 {
	return amount.Shift(currency.Scale()).Round(0).IntPart()
}

// QuoteConnection is a page of quotes.
type QuoteConnection = Connection[Quote]

// QuoteEdge is one of the quotes and its position.
type QuoteEdge = Edge[Quote]

// ParentIDOrNil returns ParentID, or nil when it is empty.
func (l QuoteLine) ParentIDOrNil() *string { return orNil(l.ParentID) }
