package customers

import (
	"context"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

func (f CustomerFilter) checkManaged() error {
	if f.AccountManagerID != nil {
		if err := f.AccountManagerID.Require(models.PrefixUser, "accountManagerId"); err != nil {
			return err
		}
	}
	for _, text := range []struct {
		field   string
		value   *string
		longest int
	}{{"tag", f.Tag, MaxTagLength}, {"email", f.Email, 256}, {"phone", f.Phone, 32}} {
		if text.value != nil && utf8.RuneCountInString(*text.value) > text.longest {
			return models.Invalid(text.field, text.field+" is too long.")
		}
	}
	if before(f.CreatedBefore, f.CreatedAfter) {
		return models.Invalid("createdBefore", "createdBefore must lie after createdAfter.")
	}
	if before(f.AssociatedBefore, f.AssociatedAfter) {
		return models.Invalid("associatedBefore", "associatedBefore must lie after associatedAfter.")
	}
	return nil
}

// before reports whether a range of time, the end excluded, is empty.
func before(until, from *time.Time) bool {
	return until != nil && from != nil && !from.Before(*until)
}

// search is a filter in the hands of a caller: what a partner keeps of its customers is found by that partner only, and personal
// data by its digest.
type search struct {
	CustomerFilter
	who                    models.Principal
	emailBlind, phoneBlind string
	byLabel                bool // read label by label, whatever else is asked for
}

func (s *Service) search(who models.Principal, f CustomerFilter) search {
	asked := search{CustomerFilter: f, who: who}
	// SQLite guesses how many rows a value matches, and sorts all that follow for each page when it begins with the customers.
	asked.byLabel = f.Tag != nil && s.DB.Engine() == store.SQLite && !f.narrow()
	if f.Email != nil {
		asked.emailBlind = s.blindEmail(*f.Email)
	}
	if f.Phone != nil {
		asked.phoneBlind = s.Seal.Blind(*f.Phone, columnPhone)
	}
	return asked
}

// narrow reports whether something else than a label is likely to leave few customers.
func (f CustomerFilter) narrow() bool {
	return f.ExternalID != nil || f.Email != nil || f.Phone != nil || f.Query != nil || f.Frozen != nil && *f.Frozen != models.NotFrozen ||
		f.CreatedAfter != nil || f.CreatedBefore != nil || f.AssociatedAfter != nil || f.AssociatedBefore != nil
}

// searched reads one page with one statement, and counts with one more when the page wants it.
func (s *Service) searched(ctx context.Context, f search, page models.Page) (models.Connection[models.Customer], error) {
	rows := []models.Customer{}
	keyset := store.PageKeyset(page, false)
	// With a label the page follows the labels, which are in the order of the customers that have one: only those are read.
	if f.Tag != nil {
		keyset.Column = "ct.customer_id"
	}
	q := keyset.Apply(store.Narrowed[models.Customer](ctx, f.apply(visible(s.DB, f.who))))
	// Neither database carries the range from one of two equal columns to the other, and both would read the customers from the first one on.
	if f.Tag != nil && !f.byLabel {
		q = within(q, "c.id", page)
	}
	read := store.Read
	if f.narrow() { // what is prepared is planned without the values, as if there were many
		read = written
	}
	if err := read(ctx, s.DB, q, &rows); err != nil {
		return models.Connection[models.Customer]{}, err
	}
	if !page.WantTotal {
		return models.NewConnection(page, rows, nil), nil
	}
	count, err := f.apply(visible(s.DB, f.who)).Count(ctx)
	if err != nil {
		return models.Connection[models.Customer]{}, store.Translate(err)
	}
	total := int(count)
	return models.NewConnection(page, rows, &total), nil
}

func written(ctx context.Context, _ bun.IDB, q store.Query, dest any) error {
	return store.Translate(q.Scan(ctx, dest))
}

// within is the range of a page for a second column that equals the one of its keyset.
func within(q *bun.SelectQuery, column string, page models.Page) *bun.SelectQuery {
	if page.After != "" {
		q = q.Where("? > ?", bun.Safe(column), page.After)
	}
	if page.Before != "" {
		q = q.Where("? < ?", bun.Safe(column), page.Before)
	}
	return q
}

// apply narrows a query to what is searched for.
func (f search) apply(q *bun.SelectQuery) *bun.SelectQuery {
	q = f.CustomerFilter.apply(q)
	if f.VerifiedStatus != nil {
		q = q.Where("c.verified_status = ?", *f.VerifiedStatus)
	}
	if f.Frozen != nil {
		q = q.Where("c.frozen = ?", *f.Frozen)
	}
	if f.Kind != nil {
		q = q.Where("c.kind = ?", *f.Kind)
	}
	if f.AccountManagerID != nil {
		q = access.KeptByPartner(q.Where("c.account_manager_id = ?", *f.AccountManagerID), f.who, "c.partner_id")
	}
	if f.Email != nil {
		q = q.Where("c.email_blind = ?", f.emailBlind)
	}
	if f.Phone != nil {
		q = q.Where("c.phone_blind = ?", f.phoneBlind)
	}
	q = between(q, "c.created_at", f.CreatedAfter, f.CreatedBefore)
	q = between(q, "c.associated_at", f.AssociatedAfter, f.AssociatedBefore)
	if f.Tag != nil {
		if f.byLabel { // SQLite takes the tables of a CROSS JOIN in their order
			q = q.ModelTableExpr("customer_tags AS ct CROSS JOIN customers AS c").Where("ct.customer_id = c.id AND ct.partner_id = c.partner_id")
		} else {
			q = q.Join("JOIN customer_tags AS ct ON ct.customer_id = c.id AND ct.partner_id = c.partner_id")
		}
		q = q.Where("ct.tag = ?", *f.Tag)
		q = access.KeptByPartner(q, f.who, "ct.partner_id")
	}
	return q
}

func between(q *bun.SelectQuery, column string, from, until *time.Time) *bun.SelectQuery {
	if from != nil {
		q = q.Where("? >= ?", bun.Safe(column), from.UTC())
	}
	if until != nil {
		q = q.Where("? < ?", bun.Safe(column), until.UTC())
	}
	return q
}
