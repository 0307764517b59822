package models

import (
	"time"

	"github.com/uptrace/bun"
)

// BindAction says what a bind notification tells. Its numbers stand on the wire (2.6): the vendor's table, not its sample, which
// contradicts it.
type BindAction string

// The actions.
const (
	BindActionBind   BindAction = "BIND"
	BindActionUnbind BindAction = "UNBIND"
)

// BindNotificationState says how far a notification has come. Nobody answers one, so that nothing here says it was received.
type BindNotificationState string

// The states of a bind notification.
const (
	NotificationPending BindNotificationState = "PENDING" // recorded, handed to nobody yet
	NotificationSent    BindNotificationState = "SENT"    // handed to a browser or to the platform's program
	NotificationRepeat  BindNotificationState = "REPEAT"  // sent, and to be handed over again at the person's next login
)

// BindNotification records that a partner is to be told of a binding or of its end, through the customer's browser (2.6).
type BindNotification struct {
	bun.BaseModel `bun:"table:bind_notifications,alias:bn"`

	ID           ID         `bun:"id,pk"`
	PartnerID    ID         `bun:"partner_id,nullzero"`  // the platform's owner, who may read it
	IdentityID   ID         `bun:"identity_id,nullzero"` // the binding; it may be gone
	PlatformID   string     `bun:"platform_id"`
	XAccountID   string     `bun:"x_account_id"`
	XUserID      string     `bun:"x_user_id"` // empty in rows older than this column
	CustomerID   ID         `bun:"customer_id"`
	CustomerName string     `bun:"customer_name"` // as it was then
	Action       int        `bun:"action"`        // 0 bind, 1 unbind
	Nonce        string     `bun:"nonce"`         // of the newest form
	Attempts     int        `bun:"attempts"`      // how many forms were signed
	Repeat       bool       `bun:"repeat"`
	CreatedAt    time.Time  `bun:"created_at"`
	SentAt       *time.Time `bun:"sent_at"` // the first time
	LastSentAt   *time.Time `bun:"last_sent_at"`
}

// NodeID returns the id to page by.
func (n BindNotification) NodeID() ID { return n.ID }

// IsNode marks the type as a GraphQL Node.
func (BindNotification) IsNode() {}

// BindAction names the action.
func (n BindNotification) BindAction() BindAction {
	if n.Action == 1 {
		return BindActionUnbind
	}
	return BindActionBind
}

// State says how far it has come.
func (n BindNotification) State() BindNotificationState {
	switch {
	case n.SentAt == nil:
		return NotificationPending
	case n.Repeat:
		return NotificationRepeat
	}
	return NotificationSent
}

// BindNotificationConnection is a page of notifications.
type BindNotificationConnection = Connection[BindNotification]

// BindNotificationEdge is one of the notifications and its position.
type BindNotificationEdge = Edge[BindNotification]
