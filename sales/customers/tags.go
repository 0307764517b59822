package customers

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// The bounds of a partner's own labels (C20).
const (
	MaxTags      = 20 // on one customer
	MaxTagLength = 64 // characters
)

// ErrTooManyTags refuses one label too many.
var ErrTooManyTags = models.Precondition("TOO_MANY_TAGS", fmt.Sprintf("A customer has at most %d tags.", MaxTags))

// ChangeCustomerTags says which labels to add and which to take away; a label in both is INVALID.
type ChangeCustomerTags struct {
	CustomerID models.ID
	Add        []string // 1 to 64 characters each; one that is there already stays
	Remove     []string // one that is not there is no error
}

// ChangeTags changes a partner's own labels on a customer (C20). They are the partner's: the customer does not see them, and they go when it
// leaves. TOO_MANY_TAGS and NOT_ASSOCIATED are reasons of PRECONDITION_FAILED.
func (s *Service) ChangeTags(ctx context.Context, who models.Principal, cmd ChangeCustomerTags) (CustomerChange, error) {
	return s.change(ctx, who, cmd.CustomerID, func(ctx context.Context, tx bun.IDB, customer *models.Customer) error {
		if err := cmd.check(); err != nil {
			return err
		}
		if err := associated(*customer); err != nil {
			return err
		}
		before, err := selectTagsOf(ctx, tx, customer.ID)
		if err != nil {
			return err
		}
		removed, err := deleteTags(ctx, tx, customer.ID, cmd.Remove)
		if err != nil {
			return err
		}
		added, err := insertTags(ctx, tx, customer, cmd.Add)
		if err != nil {
			return err
		}
		// The customer's row is locked, so that nobody adds to this count.
		if count, err := countTags(ctx, tx, customer.ID); err != nil || count > MaxTags {
			if err == nil {
				err = ErrTooManyTags
			}
			return err
		}
		if added+removed == 0 {
			return nil
		}
		after, err := selectTagsOf(ctx, tx, customer.ID)
		if err != nil {
			return err
		}
		// To the partner only, whose labels they are.
		return s.Events.Record(ctx, tx, who, models.Event{
			Type: models.EventCustomerTagsChanged, PartnerID: customer.PartnerID, SubjectID: string(customer.ID),
			Fields: []string{"tags"}, Changes: []models.FieldChange{models.Changed("tags", strings.Join(before, ", "), strings.Join(after, ", "))}, Data: map[string]any{"added": added, "removed": removed},
		})
	})
}

func (cmd ChangeCustomerTags) check() error {
	if len(cmd.Add)+len(cmd.Remove) == 0 {
		return models.Invalid("add", "Name at least one tag to add or to remove.")
	}
	for _, list := range []struct {
		field string
		tags  []string
	}{{"add", cmd.Add}, {"remove", cmd.Remove}} {
		if len(list.tags) > MaxTags {
			return models.Invalid(list.field, fmt.Sprintf("At most %d tags at once.", MaxTags))
		}
		for _, tag := range list.tags {
			if err := checkTag(tag, list.field); err != nil {
				return err
			}
		}
	}
	if slices.ContainsFunc(cmd.Add, func(tag string) bool { return slices.Contains(cmd.Remove, tag) }) {
		return models.Invalid("remove", "A tag is added or removed, not both.")
	}
	return nil
}

func checkTag(tag, field string) error {
	if n := utf8.RuneCountInString(tag); n == 0 || n > MaxTagLength || strings.TrimSpace(tag) != tag {
		return models.Invalid(field, fmt.Sprintf("A tag has 1 to %d characters and no space at its ends.", MaxTagLength))
	}
	return checkText(tag, MaxTagLength, field)
}

// TagsFor returns the labels of the customers, sorted, as their own partner and operators may see them; customers without any are absent.
func (s *Service) TagsFor(ctx context.Context, who models.Principal, customers []models.ID) (map[models.ID][]string, error) {
	if err := access.Require(who, models.ReadCustomers); err != nil {
		return nil, err
	}
	rows, err := keptFor[models.CustomerTag](ctx, s.DB, who, customers, "ct.partner_id", "ct.customer_id", "ct.customer_id", "ct.tag")
	found := make(map[models.ID][]string, len(customers))
	for _, row := range rows {
		found[row.CustomerID] = append(found[row.CustomerID], row.Tag)
	}
	return found, err
}
