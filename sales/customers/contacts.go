package customers

import (
	"context"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// MaxContacts bounds the people whom a partner keeps of one customer.
const MaxContacts = 20

// SetCustomerContacts replaces the people of a customer whom its partner talks to.
type SetCustomerContacts struct {
	CustomerID models.ID
	Contacts   []models.CustomerContact // at most MaxContacts, in the order they are shown; empty = none
}

// SetContacts replaces a customer's contacts (C19). They are the partner's notes of other people and sealed at rest: the customer
// itself does not see them, and they go when it leaves. NOT_ASSOCIATED is a reason of PRECONDITION_FAILED.
func (s *Service) SetContacts(ctx context.Context, who models.Principal, cmd SetCustomerContacts) (CustomerChange, error) {
	return s.change(ctx, who, cmd.CustomerID, func(ctx context.Context, tx bun.IDB, customer *models.Customer) error {
		if err := cmd.check(); err != nil {
			return err
		}
		if err := associated(*customer); err != nil {
			return err
		}
		plain, err := json.Marshal(cmd.Contacts)
		if err != nil {
			return fmt.Errorf("contacts: %w", err)
		}
		row := models.CustomerContacts{
			CustomerID: customer.ID, PartnerID: customer.PartnerID, Sealed: s.Seal.Seal(plain, sealedContacts(customer.ID)), UpdatedAt: s.now(),
		}
		if err := upsertContacts(ctx, tx, &row); err != nil {
			return err
		}
		return s.Events.Record(ctx, tx, who, models.Event{
			Type: models.EventContactsSet, PartnerID: customer.PartnerID, SubjectID: string(customer.ID),
			Fields: []string{"contacts"}, Changes: []models.FieldChange{{Field: "contacts"}}, Data: map[string]any{"contacts": len(cmd.Contacts)},
		})
	})
}

func sealedContacts(customer models.ID) string { return "customer_contacts:" + string(customer) }

func (cmd SetCustomerContacts) check() error {
	if len(cmd.Contacts) > MaxContacts {
		return models.Invalid("contacts", fmt.Sprintf("A customer has at most %d contacts.", MaxContacts))
	}
	for _, c := range cmd.Contacts {
		if n := utf8.RuneCountInString(c.Name); n == 0 || n > 64 {
			return models.Invalid("name", "A contact's name has 1 to 64 characters.")
		}
		if err := checkText(c.Name, 64, "name"); err != nil {
			return err
		}
		if c.Role != nil {
			if err := checkText(*c.Role, 64, "role"); err != nil {
				return err
			}
		}
		var email, number string
		if c.Email != nil {
			email = *c.Email
		}
		if c.Phone != nil {
			number = *c.Phone
		}
		if err := checkReach(email, number); err != nil {
			return err
		}
	}
	return nil
}

// ContactsFor returns the contacts of the customers, as their own partner and operators may see them; customers without any are absent.
func (s *Service) ContactsFor(ctx context.Context, who models.Principal, customers []models.ID) (map[models.ID][]models.CustomerContact, error) {
	if err := access.Require(who, models.ReadCustomers); err != nil {
		return nil, err
	}
	rows, err := keptFor[models.CustomerContacts](ctx, s.DB, who, customers, "cc.partner_id", "cc.customer_id", "cc.customer_id")
	if err != nil {
		return nil, err
	}
	found := make(map[models.ID][]models.CustomerContact, len(rows))
	for _, row := range rows {
		plain, err := s.Seal.Open(row.Sealed, sealedContacts(row.CustomerID))
		if err != nil {
			return nil, err
		}
		var contacts []models.CustomerContact
		if err := json.Unmarshal(plain, &contacts); err != nil {
			return nil, fmt.Errorf("contacts of %s: %w", row.CustomerID, err)
		}
		found[row.CustomerID] = contacts
	}
	return found, nil
}
