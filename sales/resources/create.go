package resources

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// MaxPerCreate bounds how many resources one order brings into being at once.
const MaxPerCreate = 20_000

// batch is how many rows one insert carries: large enough to be quick, small enough for the text of a statement.
const batch = 500

// CreateIn writes resources that the cloud has made, main resources before the sub-resources that name them, and records
// an event per main resource. It fills in ids that are zero and the times of writing, and returns the rows as written.
// Only the system and operators may: resources come from orders. A sub-resource whose main resource is not in the list,
// or that hangs under another sub-resource, is INVALID.
func (s *Service) CreateIn(ctx context.Context, tx bun.IDB, who models.Principal, made []models.Resource) ([]models.Resource, error) {
	if err := access.Require(who, models.ReadResources); err != nil {
		return nil, err
	}
	if !who.SeesAll() {
		return nil, models.Forbidden("Resources come from orders only.")
	}
	if len(made) > MaxPerCreate {
		return nil, models.Invalid("resources", fmt.Sprintf("At most %d resources are created at once.", MaxPerCreate))
	}
	mains, err := s.complete(made)
	if err != nil {
		return nil, err
	}
	for start := 0; start < len(made); start += batch {
		if err := insertResources(ctx, tx, made[start:min(start+batch, len(made))]); err != nil {
			return nil, err
		}
	}
	for start := 0; start < len(mains); start += batch {
		if err := s.Events.Record(ctx, tx, who, mains[start:min(start+batch, len(mains))]...); err != nil {
			return nil, err
		}
	}
	return made, s.scheduleLifeIn(ctx, tx, made)
}

// complete fills in ids and times, checks the tree, and returns the event of each main resource.
func (s *Service) complete(made []models.Resource) ([]models.Event, error) {
	now := s.now()
	var happened []models.Event
	isMain := make(map[models.ID]bool, len(made))
	for i := range made {
		r := &made[i]
		if r.ID == "" {
			r.ID = s.IDs(models.PrefixResource)
		}
		if r.CustomerID == "" || r.OrderID == "" || r.OrderItemID == "" || r.Cloud == "" || r.CloudID == "" {
			return nil, models.Invalid("resources", "A resource names its customer, order, order line, cloud and the cloud's id.")
		}
		if !r.IsMain() && !isMain[r.ParentID] {
			return nil, models.Invalid("resources", "A sub-resource follows a main resource that is listed before it.")
		}
		r.CreatedAt, r.UpdatedAt = now, now
		if !r.IsMain() {
			continue
		}
		isMain[r.ID] = true
		happened = append(happened, models.Event{
			Type: models.EventResourceCreated, PartnerID: r.PartnerID, CustomerID: r.CustomerID, SubjectID: string(r.ID),
			Fields: []string{"status"},
			Data:   map[string]any{"orderId": r.OrderID, "status": r.Status},
		})
	}
	return happened, nil
}
