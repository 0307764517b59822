package events

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

const listEvents = "events"

// Log reads the audit record. This room stands below the one that decides who may see what, so those rules are handed in.
// Its fields are set once, before use; it is then safe for concurrent use.
type Log struct {
	DB *store.DB
	// Require refuses a principal without the permission: access.Require.
	Require func(who models.Principal, permission models.Permission) error
	// Scope narrows a query of events to what a principal may see: access.Events.
	Scope func(q *bun.SelectQuery, who models.Principal) *bun.SelectQuery
}

// Filter says which events are wanted. Nil means any; an empty list matches nothing.
type Filter struct {
	SubjectID  *models.ID // what it happened to
	CustomerID *models.ID
	PartnerID  *models.ID
	ActorID    *models.ID // a person or key; matches only for its own organisation and operators
	From       *time.Time // inclusive
	Until      *time.Time // exclusive
	Types      []string   // as the API shows them, such as order.paid; one that does not exist matches nothing
}

func (f Filter) check() error {
	if f.CustomerID != nil {
		if err := f.CustomerID.Require(models.PrefixCustomer, "customerId"); err != nil {
			return err
		}
	}
	if f.PartnerID != nil {
		if err := f.PartnerID.Require(models.PrefixPartner, "partnerId"); err != nil {
			return err
		}
	}
	if f.From != nil && f.Until != nil && !f.From.Before(*f.Until) {
		return models.Invalid("until", "until must be later than from.")
	}
	return nil
}

// Find returns a page of the events that the caller may see, newest first. It needs EVENTS_READ.
func (l *Log) Find(ctx context.Context, who models.Principal, filter Filter, args models.PageArgs) (models.EventConnection, error) {
	if err := l.Require(who, models.ReadEvents); err != nil {
		return models.EventConnection{}, err
	}
	if err := filter.check(); err != nil {
		return models.EventConnection{}, err
	}
	page, err := args.Page(listEvents)
	if err != nil {
		return models.EventConnection{}, err
	}
	found, err := store.List[models.Event](ctx, page, true, func() *bun.SelectQuery { return l.selectEvents(filter, who) })
	for i := range found.Edges {
		found.Edges[i].Node = found.Edges[i].Node.As(who)
	}
	return found, err
}

func (l *Log) selectEvents(filter Filter, who models.Principal) *bun.SelectQuery {
	q := l.Scope(l.DB.NewSelect().Model((*models.Event)(nil)), who)
	if filter.SubjectID != nil {
		q = ofSubject(q, *filter.SubjectID)
	}
	if filter.CustomerID != nil {
		q = OfCustomer(q, *filter.CustomerID)
	}
	if filter.PartnerID != nil && who.CustomerID != "" { // it is not told which partner an event concerns either
		q = q.Where("1 = 0")
	} else if filter.PartnerID != nil {
		q = q.Where("ev.partner_id = ?", *filter.PartnerID)
	}
	if filter.From != nil {
		q = q.Where("ev.created_at >= ?", filter.From.UTC())
	}
	if filter.Until != nil {
		q = q.Where("ev.created_at < ?", filter.Until.UTC())
	}
	if filter.ActorID != nil {
		q = q.Where("ev.actor_id = ?", *filter.ActorID)
		if !who.SeesAll() {
			q = q.Where("ev.actor_org_id = ?", who.OrgID())
		}
	}
	switch {
	case filter.Types == nil:
	case len(filter.Types) == 0:
		q = q.Where("1 = 0")
	default:
		q = q.Where("ev.type IN (?)", bun.List(filter.Types))
	}
	return q
}

// OfCustomer narrows a query of events to those that concern a customer. Their index names what an event is about: the customer that it concerns, or else its subject.
func OfCustomer(q *bun.SelectQuery, customer models.ID) *bun.SelectQuery {
	return q.Where(about+" = ? AND ev.customer_id IS NOT NULL", customer)
}

// ofSubject narrows a query of events to those of a subject. A customer's own are in the index of what events are about, whether they concern it or are kept
// from it, and the others in one by subject, so that no event has to be written to both.
func ofSubject(q *bun.SelectQuery, subject models.ID) *bun.SelectQuery {
	if subject.Prefix() == models.PrefixCustomer {
		// PostgreSQL takes two comparisons for independent of each other and would expect nothing to be left, and so sort it; not what it cannot look into.
		return q.Where(about+" = ? AND CASE WHEN ev.subject_id = ? THEN TRUE ELSE FALSE END", subject, subject)
	}
	return q.Where("ev.subject_id = ? AND ev.subject_id IS DISTINCT FROM ev.customer_id", subject)
}

const about = "coalesce(ev.customer_id, ev.subject_id)"
