package models

import (
	"time"

	"github.com/uptrace/bun"
)

// AssociationMode is how a partner sells to a customer (C01, C02).
type AssociationMode string

// The modes. Vendor codes: 1 advisory, 2 resale.
const (
	Advisory AssociationMode = "ADVISORY" // the customer contracts with the cloud and pays it
	Resale   AssociationMode = "RESALE"   // the customer spends money that the partner puts in
)

// AssociationSource says how an association came about.
type AssociationSource string

// The sources.
const (
	SourceReport AssociationSource = "REPORT"
	SourceInvite AssociationSource = "INVITE"
	SourceAPI    AssociationSource = "API"
	SourceSSO    AssociationSource = "SSO"    // created or bound at a first login through SAML (2.5)
	SourceSwitch AssociationSource = "SWITCH" // the same partner in the other mode before (C11)
)

// Association says that a customer belonged to a partner from Since until Until, in one mode. A customer has at most
// one whose Until is nil; the others are its history.
type Association struct {
	bun.BaseModel `bun:"table:associations,alias:a"`

	ID         ID                `bun:"id,pk"`
	CustomerID ID                `bun:"customer_id"`
	PartnerID  ID                `bun:"partner_id"`
	Mode       AssociationMode   `bun:"mode"`
	Source     AssociationSource `bun:"source"`
	Tag        string            `bun:"tag,nullzero"`
	Since      time.Time         `bun:"since"`
	Until      *time.Time        `bun:"until"`
}

// NodeID returns the id to page by.
func (a Association) NodeID() ID { return a.ID }

// Recalled is what the end of an association did to the money (C14).
type Recalled struct {
	Transfer        *Transfer // nil = nothing moved: there was nothing, or the money was the customer's own
	PartnerBalance  Balance   // of the partner whose customer it was, afterwards
	CustomerBalance Balance   // afterwards
}
