package customers

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// Proven is what a verification has proven of a customer.
type Proven struct {
	Kind     models.CustomerKind
	RealName string
}

// ByIDForUpdateIn is ByIDIn for a room that decides about the customer: its row is locked until the transaction ends,
// and its personal data is open.
func (s *Service) ByIDForUpdateIn(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (customer models.Customer, found bool, err error) {
	found, err = store.Found(store.ForUpdate(access.Customers(tx.NewSelect().Model(&customer).Where("c.id = ?", id), who)).Scan(ctx))
	if err == nil && found {
		err = s.openPersonal(&customer)
	}
	return customer, found, err
}

// VerifyIn moves a customer whose row is locked to another state of real-name verification (R06); what was proven becomes its
// kind and its real name (C17). It asks nobody's permission.
func (s *Service) VerifyIn(ctx context.Context, tx bun.IDB, who models.Principal, customer *models.Customer, status models.VerifiedStatus, proven *Proven) error {
	before, fields := *customer, []string{"verifiedStatus"}
	changes := []models.FieldChange{models.Changed("verifiedStatus", before.VerifiedStatus, status)}
	customer.VerifiedStatus, customer.UpdatedAt = status, s.now()
	columns := []string{"verified_status"}
	if proven != nil {
		customer.Kind, customer.RealName = proven.Kind, &proven.RealName
		customer.RealNameSealed = s.sealText(customer, columnRealName, customer.RealName)
		columns, fields = append(columns, "kind", "real_name_sealed"), append(fields, "realName")
		changes = append(changes, models.FieldChange{Field: "realName"}) // which is personal
		if before.Kind != customer.Kind {
			fields, changes = append(fields, "kind"), append(changes, models.Changed("kind", before.Kind, customer.Kind))
		}
	}
	if err := updateCustomer(ctx, tx, customer, columns...); err != nil {
		return err
	}
	event := happened(models.EventCustomerUpdated, *customer, fields, map[string]any{"verifiedStatus": status})
	event.Changes = changes
	return s.Events.Record(ctx, tx, who, event)
}
