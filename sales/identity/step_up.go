package identity

import (
	"context"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// ErrOperatorTurnsOff refuses an operator what only the organisation itself decides.
var ErrOperatorTurnsOff = models.Forbidden("An operator turns codes off for an organisation that has lost its address, and does nothing else to them.")

// SetStepUp says which actions of an organisation ask for a one-time code.
type SetStepUp struct {
	OrganisationID *models.ID // nil = the caller's own; operators name it
	Actions        []models.StepUpAction
	Email          *string // for a partner that turns codes on: the address that the code for STEP_UP was sent to; nil otherwise
	Code           *string // for STEP_UP; operators need none
}

// StepUpChange is what asks for a code after the operation.
type StepUpChange struct {
	StepUp models.StepUp
}

// SetStepUp turns codes on and off for an organisation's actions (G04). Its administrators with RELATIONS_CHANGE and a code for
// STEP_UP, which proves that codes arrive before anything depends on them; operators turn off only, without a code. Errors:
// NOT_FOUND for another organisation, those of the code.
func (c *Codes) SetStepUp(ctx context.Context, who models.Principal, cmd SetStepUp) (StepUpChange, error) {
	org, err := cmd.check(who)
	if err != nil {
		return StepUpChange{}, err
	}
	var proof Proof
	if !who.SeesAll() {
		if proof, err = c.Try(ctx, who, models.CodeStepUp, cmd.Code); err != nil {
			return StepUpChange{}, err
		}
	}
	var done StepUpChange
	err = c.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		was, found, err := selectStepUpForUpdate(ctx, tx, org)
		if err != nil {
			return err
		}
		if !who.SeesAll() {
			if err := c.checkAddress(who, cmd, was, found, proof); err != nil {
				return err
			}
			if err := c.Use(ctx, tx, who, proof); err != nil {
				return err
			}
		}
		done.StepUp, err = c.putStepUp(ctx, tx, org, cmd, was, found)
		if err != nil {
			return err
		}
		event := models.Event{
			Type: models.EventStepUpSet, SubjectID: string(org), Fields: []string{"actions"},
			Changes: []models.FieldChange{models.Changed("actions", joined(was.Actions), joined(done.StepUp.Actions))},
		}
		if event.CustomerID = org; org.Prefix() == models.PrefixPartner {
			event.CustomerID, event.PartnerID = "", org
		}
		return c.Events.Record(ctx, tx, who, event)
	})
	if err != nil {
		return StepUpChange{}, err
	}
	return done, c.show(ctx, &done.StepUp)
}

func (cmd *SetStepUp) check(who models.Principal) (models.ID, error) {
	if err := access.Require(who, models.ChangeRelations); err != nil {
		return "", err
	}
	for _, action := range cmd.Actions {
		if !action.Valid() {
			return "", models.Invalid("actions", "The actions are WITHDRAWALS, RELATIONS and FUNDING.")
		}
	}
	cmd.Actions = slices.Compact(slices.Sorted(slices.Values(cmd.Actions)))
	org := who.OrgID()
	if cmd.OrganisationID != nil {
		org = *cmd.OrganisationID
	}
	switch {
	case org == "":
		return "", models.Invalid("organisationId", "An operator names the organisation.")
	case org.Prefix() != models.PrefixPartner && org.Prefix() != models.PrefixCustomer:
		return "", models.Invalid("organisationId", "organisationId must be the id of a partner or a customer.")
	case !who.SeesAll() && org != who.OrgID():
		return "", models.NotFound("organisation")
	case who.SeesAll() && len(cmd.Actions) > 0:
		return "", ErrOperatorTurnsOff
	case org.Prefix() == models.PrefixCustomer && slices.Contains(cmd.Actions, models.StepUpFunding):
		return "", models.Invalid("actions", "FUNDING is what partners do.")
	}
	return org, nil
}

// checkAddress makes sure that the code went to the very address that codes will go to.
func (c *Codes) checkAddress(who models.Principal, cmd SetStepUp, was models.StepUp, found bool, proof Proof) error {
	if proof.refusal != nil || who.CustomerID != "" {
		if cmd.Email != nil && who.CustomerID != "" {
			return models.Invalid("email", "A customer's codes go to the address of its account.")
		}
		return nil // a code that is wrong says so itself
	}
	address := cmd.Email
	switch {
	case found && cmd.Email != nil:
		return models.Invalid("email", "Codes go to the address that was confirmed; turn them off to confirm another one.")
	case found:
		opened, err := c.openAddress(was)
		if err != nil {
			return err
		}
		address = &opened
	case address == nil:
		return models.Invalid("email", "Turning codes on needs the address that the code was sent to.")
	}
	if c.blindAddress(*address) != proof.toBlind {
		return models.Invalid("email", "The code was sent to another address.")
	}
	return nil
}

func (c *Codes) putStepUp(ctx context.Context, tx bun.IDB, org models.ID, cmd SetStepUp, was models.StepUp, found bool) (models.StepUp, error) {
	row := models.StepUp{OrgID: org, Actions: cmd.Actions, EmailSealed: was.EmailSealed, UpdatedAt: c.now()}
	switch {
	case len(cmd.Actions) == 0:
		row.EmailSealed = nil
		return row, deleteStepUp(ctx, tx, org)
	case found:
		err := updateStepUp(ctx, tx, &row)
		return row, err
	}
	if cmd.Email != nil {
		row.EmailSealed = c.Seal.Seal([]byte(*cmd.Email), sealedStepUp(org))
	}
	err := insertStepUp(ctx, tx, &row)
	if store.Conflicts(err, "step_ups", "org_id") {
		return row, models.Conflict("Somebody else has just changed this.")
	}
	return row, err
}

// Asker is an organisation that has something ask for a code; Guard knows what.
type Asker struct {
	bun.BaseModel `bun:"table:step_ups,alias:sup"`

	OrgID models.ID `bun:"org_id,pk"`
}

// AddAskers appends to a script which of these organisations have anything ask for a code, for a group that reads something else
// in the same round trip.
func AddAskers(script *store.Script, askers *[]Asker, orgs []string) {
	script.Find(askers, "org_id", orgs)
}

// StepUp returns what asks for a code in the caller's organisation, with the masked address; nil for operators and whoever is
// anonymous.
func (c *Codes) StepUp(ctx context.Context, who models.Principal) (*models.StepUp, error) {
	if who.OrgID() == "" {
		return nil, nil
	}
	row, _, err := selectStepUp(ctx, c.DB, who.OrgID())
	if err != nil {
		return nil, err
	}
	row.OrgID = who.OrgID()
	return &row, c.show(ctx, &row)
}

// show fills in the masked address that codes go to, if there is one.
func (c *Codes) show(ctx context.Context, row *models.StepUp) error {
	var address *string
	switch {
	case row.OrgID.Prefix() == models.PrefixCustomer:
		email, err := c.Addresses.EmailOfIn(ctx, c.DB, row.OrgID)
		if err != nil {
			return err
		}
		address = email
	case row.EmailSealed != nil:
		email, err := c.openAddress(*row)
		if err != nil {
			return err
		}
		address = &email
	}
	if address != nil {
		masked := models.MaskEmail(*address)
		row.SentTo = &masked
	}
	return nil
}

func (c *Codes) openAddress(row models.StepUp) (string, error) {
	plain, err := c.Seal.Open(row.EmailSealed, sealedStepUp(row.OrgID))
	return string(plain), err
}

func sealedStepUp(org models.ID) string { return "step_ups.email:" + string(org) }

func joined(actions []models.StepUpAction) string {
	texts := make([]string, len(actions))
	for i, action := range actions {
		texts[i] = string(action)
	}
	return strings.Join(texts, ",")
}
