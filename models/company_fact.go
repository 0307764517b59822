package models

import (
	"time"

	"github.com/uptrace/bun"
)

// FinancingRound is one round of a company's financing.
type FinancingRound struct {
	bun.BaseModel `bun:"table:company_financings,alias:cmn"`

	ID          ID       `bun:"id,pk"`
	CompanyID   ID       `bun:"company_id"`
	Round       string   `bun:"round"` // such as A or IPO
	On          Date     `bun:"held_on,nullzero"`
	AmountText  string   `bun:"amount,nullzero"`   // a decimal
	AmountMoney string   `bun:"currency,nullzero"` // ISO 4217
	Investors   []string `bun:"investors,type:jsonb"`
}

// NodeID returns the id to page by.
func (f FinancingRound) NodeID() ID { return f.ID }

// Amount returns how much was raised; nil when it is not known.
func (f FinancingRound) Amount() *CompanyAmount { return companyAmount(f.AmountText, f.AmountMoney) }

// OnOrNil returns On, or nil when it is not known.
func (f FinancingRound) OnOrNil() *Date { return orNil(f.On) }

// FinancingRoundConnection is a page of rounds.
type FinancingRoundConnection = Connection[FinancingRound]

// FinancingRoundEdge is one of the rounds and its position.
type FinancingRoundEdge = Edge[FinancingRound]

// OfferingKind tells products from brands.
type OfferingKind string

// The kinds.
const (
	OfferingProduct OfferingKind = "PRODUCT"
	OfferingBrand   OfferingKind = "BRAND"
)

// CompanyOffering is a product or a brand of a company.
type CompanyOffering struct {
	bun.BaseModel `bun:"table:company_offerings,alias:cmo"`

	ID          ID           `bun:"id,pk"`
	CompanyID   ID           `bun:"company_id"`
	Kind        OfferingKind `bun:"kind"`
	Name        string       `bun:"name"`
	Description string       `bun:"description,nullzero"`
}

// NodeID returns the id to page by.
func (o CompanyOffering) NodeID() ID { return o.ID }

// DescriptionOrNil returns Description, or nil when it is empty.
func (o CompanyOffering) DescriptionOrNil() *string { return orNil(o.Description) }

// CompanyOfferingConnection is a page of products or brands.
type CompanyOfferingConnection = Connection[CompanyOffering]

// CompanyOfferingEdge is one of them and its position.
type CompanyOfferingEdge = Edge[CompanyOffering]

// CompanyRanking is a place of a company on a list that somebody publishes.
type CompanyRanking struct {
	bun.BaseModel `bun:"table:company_rankings,alias:cmk"`

	ID        ID     `bun:"id,pk"`
	CompanyID ID     `bun:"company_id"`
	Name      string `bun:"name"`           // of the list
	Place     int    `bun:"place,nullzero"` // from 1; 0 = not known
	On        Date   `bun:"ranked_on,nullzero"`
}

// NodeID returns the id to page by.
func (r CompanyRanking) NodeID() ID { return r.ID }

// PlaceOrNil returns Place, or nil when it is not known.
func (r CompanyRanking) PlaceOrNil() *int { return intOrNil(r.Place) }

// OnOrNil returns On, or nil when it is not known.
func (r CompanyRanking) OnOrNil() *Date { return orNil(r.On) }

// CompanyRankingConnection is a page of rankings.
type CompanyRankingConnection = Connection[CompanyRanking]

// CompanyRankingEdge is one of the rankings and its position.
type CompanyRankingEdge = Edge[CompanyRanking]

// IntellectualPropertyKind says what kind of right it is.
type IntellectualPropertyKind string

// The kinds.
const (
	RightPatent    IntellectualPropertyKind = "PATENT"
	RightTrademark IntellectualPropertyKind = "TRADEMARK"
	RightSoftware  IntellectualPropertyKind = "SOFTWARE_COPYRIGHT"
)

// IntellectualProperty is one right of a company.
type IntellectualProperty struct {
	bun.BaseModel `bun:"table:company_rights,alias:cmi"`

	ID        ID                       `bun:"id,pk"`
	CompanyID ID                       `bun:"company_id"`
	Kind      IntellectualPropertyKind `bun:"kind"`
	Title     string                   `bun:"title"`
	Number    string                   `bun:"number,nullzero"` // of the registration
	On        Date                     `bun:"registered_on,nullzero"`
}

// NodeID returns the id to page by.
func (p IntellectualProperty) NodeID() ID { return p.ID }

// NumberOrNil returns Number, or nil when it is not known.
func (p IntellectualProperty) NumberOrNil() *string { return orNil(p.Number) }

// OnOrNil returns On, or nil when it is not known.
func (p IntellectualProperty) OnOrNil() *Date { return orNil(p.On) }

// IntellectualPropertyConnection is a page of rights.
type IntellectualPropertyConnection = Connection[IntellectualProperty]

// IntellectualPropertyEdge is one of the rights and its position.
type IntellectualPropertyEdge = Edge[IntellectualProperty]

// CompanyLoad is one load of the register: which records it has brought. A load that changes nothing leaves none.
type CompanyLoad struct {
	bun.BaseModel `bun:"table:company_loads,alias:cld"`

	ID         ID         `bun:"id,pk"`
	Label      string     `bun:"label"` // what its operator calls it
	Lines      int        `bun:"lines"` // with a record, good or bad
	Added      int        `bun:"added"`
	Replaced   int        `bun:"replaced"`
	Unchanged  int        `bun:"unchanged"`
	Older      int        `bun:"older"` // of an earlier day than what the register has
	Refused    int        `bun:"refused"`
	CreatedAt  time.Time  `bun:"created_at"`
	FinishedAt *time.Time `bun:"finished_at"` // nil while it runs, and for good when it broke off: load the file again
}

// NodeID returns the id to page by.
func (l CompanyLoad) NodeID() ID { return l.ID }

// CompanyLoadConnection is a page of loads.
type CompanyLoadConnection = Connection[CompanyLoad]

// CompanyLoadEdge is one of the loads and its position.
type CompanyLoadEdge = Edge[CompanyLoad]
