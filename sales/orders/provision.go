package orders

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// Provision carries out what an order asks for once it is paid, or accepted when it costs nothing: it has the driver create, alter or release
// resources, writes that down, and completes the order. It is the outbox handler for models.EventOrderPaid and
// models.EventOrderAccepted under ConsumerProvision. Delivered twice, or for an order that is no longer in PROCESSING, it does
// nothing. What the cloud refuses for good is paid back in full, and the order cancelled (O08). An error means: deliver again later.
func (s *Service) Provision(ctx context.Context, event models.Event) error {
	who := models.SystemPrincipal(ConsumerProvision)
	id := models.ID(event.SubjectID)
	orders, err := selectOrders(ctx, s.DB, who, []models.ID{id})
	if err != nil {
		return err
	}
	if len(orders) == 0 {
		return fmt.Errorf("provision: no order %s", id)
	}
	if orders[0].Status == models.OrderPendingRefund {
		return s.settle(ctx, who, id)
	}
	if orders[0].Status != models.OrderProcessing {
		return nil
	}
	err = s.carryOut(ctx, who, orders[0])
	if final := finalOf(err); final != nil {
		s.logger().LogAttrs(ctx, slog.LevelWarn, "order cannot be carried out", slog.String("order_id", string(id)), slog.Any("error", err))
		return s.failed(ctx, who, id, final)
	}
	if err == nil {
		s.nudge()
	}
	return err
}

// create makes what a purchase bought.
func (s *Service) create(ctx context.Context, who models.Principal, order models.Order, items []models.OrderItem) error {
	// The cloud is asked outside any transaction: it may take its time, and nobody shall wait for its locks.
	made, err := s.Driver.Create(ctx, ProvisionRequest{Order: order, Items: items})
	if err != nil {
		return fmt.Errorf("provision order %s: %w", order.ID, err)
	}
	if err := checkCreated(items, made); err != nil {
		return fmt.Errorf("provision order %s: %w", order.ID, err)
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error { return s.completeIn(ctx, tx, who, order.ID, items, made) })
}

// completeIn writes the resources and completes the order, unless somebody else has done so meanwhile.
func (s *Service) completeIn(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID, items []models.OrderItem, made []Created) error {
	order, found, err := selectOrderForUpdate(ctx, tx, who, id)
	if err != nil || !found || order.Status != models.OrderProcessing {
		return err
	}
	brought := order
	customer, err := s.customerNow(ctx, tx, who, order)
	if err != nil {
		return err
	}
	if customer.PartnerID != order.PartnerID { // it has left the partner whose money paid, who sees nothing of it any more
		brought.PartnerID = ""
	}
	now := s.now()
	rows, err := s.Resources.CreateIn(ctx, tx, who, s.resourcesOf(brought, items, made, now))
	if err != nil {
		return err
	}
	if s.Packages != nil {
		if err := s.Packages.CreateIn(ctx, tx, order, rows); err != nil {
			return err
		}
	}
	// What was paid before is delivered, and joins what is frozen (C21).
	if customer.Frozen == models.FrozenAccountAndResources {
		if err := s.Resources.FreezeIn(ctx, tx, who, customer); err != nil {
			return err
		}
	}
	return s.done(ctx, tx, who, &order, map[string]any{"resources": len(made)})
}

// customerNow returns the customer of an order as customerOf does.
func (s *Service) customerNow(ctx context.Context, tx bun.IDB, who models.Principal, order models.Order) (models.Customer, error) {
	return s.customerOf(ctx, tx, who, order.CustomerID)
}

// resourcesOf turns what the cloud made into rows. A part ends with its main resource, whatever its own line says (O11).
func (s *Service) resourcesOf(order models.Order, items []models.OrderItem, made []Created, now time.Time) []models.Resource {
	lines := make(map[models.ID]models.OrderItem, len(items))
	for _, item := range items {
		lines[item.ID] = item
	}
	rows := make([]models.Resource, len(made))
	mains := make(map[string]*models.Resource, len(made))
	for i, c := range made {
		line := lines[c.OrderItemID]
		row := &rows[i]
		*row = models.Resource{
			ID: s.IDs(models.PrefixResource), Cloud: order.Cloud, CloudID: c.CloudID, CustomerID: order.CustomerID,
			PartnerID: order.PartnerID, OrderID: order.ID, OrderItemID: line.ID, Name: c.Name, Status: models.ResourceInUse,
			Region: line.Region, ServiceType: line.ServiceType, ResourceType: line.ResourceType, SpecCode: line.SpecCode,
			ChargingMode: models.ChargedByPeriod, ExpirePolicy: models.ExpireGracePeriod, EffectiveAt: now,
			EnterpriseProject: order.EnterpriseProject, SpecSize: line.SpecSize, SpecMeasure: line.SpecMeasure,
		}
		if c.ParentCloudID != "" {
			main := mains[c.ParentCloudID]
			row.ParentID, row.ExpiresAt = main.ID, main.ExpiresAt
			continue
		}
		if end := line.PeriodType.After(now, line.PeriodCount); !end.IsZero() {
			row.ExpiresAt = &end
		}
		mains[c.CloudID] = row
	}
	return rows
}

// checkCreated holds a driver to its promise: every line as often as bought, every part with a main resource of the line it
// belongs to. A half-made order stays in PROCESSING and is tried again.
func checkCreated(items []models.OrderItem, made []Created) error {
	lines := make(map[models.ID]models.OrderItem, len(items))
	want := make(map[models.ID]int, len(items))
	for _, item := range items {
		lines[item.ID] = item
		want[item.ID] = item.Quantity
		if item.ParentID != "" {
			want[item.ID] *= lines[item.ParentID].Quantity
		}
	}
	mains := make(map[string]models.ID, len(made))
	for _, c := range made {
		line, known := lines[c.OrderItemID]
		if !known || c.CloudID == "" || (line.ParentID == "") != (c.ParentCloudID == "") {
			return fmt.Errorf("the cloud made something that was not ordered")
		}
		if line.ParentID != "" && mains[c.ParentCloudID] != line.ParentID {
			return fmt.Errorf("the cloud made a part of %s without its main resource", line.ID)
		}
		if line.ParentID == "" {
			mains[c.CloudID] = line.ID
		}
		want[line.ID]--
	}
	for id, missing := range want {
		if missing != 0 {
			return fmt.Errorf("the cloud made %d too few of line %s", missing, id)
		}
	}
	return nil
}
