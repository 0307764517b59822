package models

import (
	"time"

	"github.com/uptrace/bun"
)

// PartnerKind is what a partner is in the network (4.1).
type PartnerKind string

// The kinds of partner.
const (
	Distributor      PartnerKind = "DISTRIBUTOR"       // tier 1; develops and answers for cloud resellers (P11)
	SolutionProvider PartnerKind = "SOLUTION_PROVIDER" // sells straight to end customers
	CloudReseller    PartnerKind = "CLOUD_RESELLER"    // tier 2, under exactly one distributor (P12)
)

// HasExposure reports whether partners of this kind may configure capability exposure: resellers may not (A01, P12).
func (k PartnerKind) HasExposure() bool { return k == Distributor || k == SolutionProvider }

// EarnsIncentives reports whether the cloud pays incentives to this kind: a reseller's performance counts for its
// distributor (P12, P14).
func (k PartnerKind) EarnsIncentives() bool { return k == Distributor || k == SolutionProvider }

// PartnerLevel is the rank in the program (P09). Core outranks leading.
type PartnerLevel string

// The levels, lowest first.
const (
	LevelStandard PartnerLevel = "STANDARD"
	LevelLeading  PartnerLevel = "LEADING"
	LevelCore     PartnerLevel = "CORE"
)

// PartnerState says whether a partner may act.
type PartnerState string

// The states of a partner.
const (
	PartnerActive     PartnerState = "ACTIVE"
	PartnerRestricted PartnerState = "RESTRICTED" // may read and settle, may not win new customers (CBC.50010086)
	PartnerExpired    PartnerState = "EXPIRED"    // the program membership ran out (P10)
)

// Partner is a company that sells a cloud: a distributor, a cloud reseller or a solution provider.
type Partner struct {
	bun.BaseModel `bun:"table:partners,alias:p"`

	ID            ID           `bun:"id,pk"`
	Cloud         string       `bun:"cloud"` // the cloud it sells, a short code
	Kind          PartnerKind  `bun:"kind"`
	Name          string       `bun:"name"`
	Level         PartnerLevel `bun:"level"`
	State         PartnerState `bun:"state"`
	ParentID      ID           `bun:"parent_id,nullzero"` // a reseller's distributor; zero for the others
	Country       string       `bun:"country"`            // ISO 3166-1 alpha-2
	SigningEntity string       `bun:"signing_entity"`     // the legal entity of the cloud it signed with
	Currency      Currency     `bun:"currency"`
	ExternalID    string       `bun:"external_id,nullzero"`
	CreatedAt     time.Time    `bun:"created_at"`
	UpdatedAt     time.Time    `bun:"updated_at"`
}

// NodeID returns the id to page by.
func (p Partner) NodeID() ID { return p.ID }

// IsNode marks the type as a GraphQL Node.
func (Partner) IsNode() {}

// PartnerConnection is a page of partners.
type PartnerConnection = Connection[Partner]

// PartnerEdge is one of the partners and its position.
type PartnerEdge = Edge[Partner]
