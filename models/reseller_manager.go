package models

import (
	"time"

	"github.com/uptrace/bun"
)

// ResellerManager says that a person of a distributor's looked after one of its resellers during a time (P15).
type ResellerManager struct {
	bun.BaseModel `bun:"table:reseller_managers,alias:rsm" json:"-"`

	ID            ID         `bun:"id,pk"`
	DistributorID ID         `bun:"distributor_id"`
	ResellerID    ID         `bun:"reseller_id"`
	UserID        ID         `bun:"user_id"`
	Since         time.Time  `bun:"since"`
	Until         *time.Time `bun:"until"` // exclusive; nil = it still does

	LoginName string `bun:"login_name,scanonly"` // of the person
}

// NodeID returns the id to page by.
func (m ResellerManager) NodeID() ID { return m.ID }

// Manager returns the person.
func (m ResellerManager) Manager() AccountManager {
	return AccountManager{UserID: m.UserID, LoginName: m.LoginName}
}
