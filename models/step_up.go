package models

import (
	"slices"
	"time"

	"github.com/uptrace/bun"
)

// StepUpAction is a family of operations that an organisation may have ask for a one-time code (G04).
type StepUpAction string

// The actions.
const (
	StepUpWithdrawals StepUpAction = "WITHDRAWALS" // submitting and rerouting a withdrawal
	StepUpRelations   StepUpAction = "RELATIONS"   // asking for, and agreeing to, a change of a relation
	StepUpFunding     StepUpAction = "FUNDING"     // a partner's funding, reclaiming and paying for customers and resellers (O05)
)

// StepUpActions returns every action, in a fixed order.
func StepUpActions() []StepUpAction {
	return []StepUpAction{StepUpWithdrawals, StepUpRelations, StepUpFunding}
}

// Valid reports whether a is one of StepUpActions.
func (a StepUpAction) Valid() bool { return slices.Contains(StepUpActions(), a) }

// Purpose returns what a code for the action is sent for.
func (a StepUpAction) Purpose() CodePurpose {
	switch a {
	case StepUpWithdrawals:
		return CodeWithdrawal
	case StepUpFunding:
		return CodeFunding
	}
	return CodeRelation
}

// StepUp is what an organisation has ask for a one-time code. Without a row nothing does.
type StepUp struct {
	bun.BaseModel `bun:"table:step_ups,alias:sup"`

	OrgID       ID             `bun:"org_id,pk"` // the customer or partner
	Actions     []StepUpAction `bun:"actions,type:jsonb"`
	EmailSealed []byte         `bun:"email_sealed"` // where codes go; nil for a customer, whose own address it is
	UpdatedAt   time.Time      `bun:"updated_at"`

	SentTo *string `bun:"-"` // the address, masked; nil when there is none
}

// Asks reports whether the action needs a code.
func (s StepUp) Asks(action StepUpAction) bool { return slices.Contains(s.Actions, action) }
