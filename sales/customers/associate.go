package customers

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// directWindow is how long after registering a customer may be associated without a report (C07).
const directWindow = 7 * 24 * time.Hour

// The refusals of an association, with machine-readable reasons.
var (
	ErrAlreadyAssociated = models.Precondition("ALREADY_ASSOCIATED", "This customer belongs to a partner already.")
	ErrPartnerRestricted = models.Precondition("PARTNER_RESTRICTED", "This partner, or its distributor, may not win new customers now.")
	ErrReportRequired    = models.Precondition("REPORT_REQUIRED", "This customer has been registered for more than 7 days or has paid before; the partner has to report it first.")
	ErrFrozen            = models.Precondition("CUSTOMER_FROZEN", "This customer is frozen.")
	ErrOtherSite         = models.Precondition("OTHER_SITE", "The customer and the partner are on different clouds or use different currencies.")
)

// Associate makes an existing customer a partner's.
type Associate struct {
	CustomerID models.ID
	PartnerID  models.ID
	Mode       models.AssociationMode   // empty = RESALE
	Source     models.AssociationSource // empty = API; REPORT lifts the 7-day rule (C07)
	Tag        string                   // at most 64 characters (C06)
}

// AssociateIn associates an existing customer with a partner in the caller's transaction. The customer's own consent
// makes it so: the principal is the customer, or the system or an operator acting on a consent given elsewhere; a partner
// cannot take a customer. Refused with PRECONDITION_FAILED: a customer that belongs to a partner (C08), one that is frozen,
// one registered more than 7 days ago or with a paid order unless it was reported (C07), and a partner that is, or whose
// distributor is, restricted or expired.
func (s *Service) AssociateIn(ctx context.Context, tx bun.IDB, who models.Principal, cmd Associate) (models.Association, error) {
	if who.IsAnonymous() {
		return models.Association{}, access.Require(who, models.WriteCustomers)
	}
	if !who.SeesAll() && (who.CustomerID == "" || who.CustomerID != cmd.CustomerID) {
		return models.Association{}, models.Forbidden("Only the customer can agree to belong to a partner.")
	}
	if err := cmd.CustomerID.Require(models.PrefixCustomer, "customerId"); err != nil {
		return models.Association{}, err
	}
	if err := cmd.PartnerID.Require(models.PrefixPartner, "partnerId"); err != nil {
		return models.Association{}, err
	}
	customer, found, err := selectCustomerForUpdate(ctx, tx, cmd.CustomerID)
	if err != nil {
		return models.Association{}, err
	}
	if !found {
		return models.Association{}, ErrUnknown
	}
	if err := s.eligible(ctx, tx, customer, cmd.Source); err != nil {
		return models.Association{}, err
	}
	return s.link(ctx, tx, who, &customer, cmd)
}

// eligible applies the rules for a customer that existed before.
func (s *Service) eligible(ctx context.Context, tx bun.IDB, customer models.Customer, source models.AssociationSource) error {
	if customer.PartnerID != "" {
		return ErrAlreadyAssociated
	}
	if customer.Frozen != models.NotFrozen {
		return ErrFrozen
	}
	if source == models.SourceReport {
		return nil
	}
	if s.now().Sub(customer.CreatedAt) > directWindow {
		return ErrReportRequired
	}
	paid, err := s.Purchases.HasPaid(ctx, tx, customer.ID)
	if err == nil && paid {
		return ErrReportRequired
	}
	return err
}

// link writes the association and repeats partner and mode on the customer, where every row scope reads them.
func (s *Service) link(ctx context.Context, tx bun.IDB, who models.Principal, customer *models.Customer, cmd Associate) (models.Association, error) {
	if err := cmd.complete(); err != nil {
		return models.Association{}, err
	}
	partner, err := s.partnerFor(ctx, tx, who, cmd.PartnerID)
	if err != nil {
		return models.Association{}, err
	}
	if partner.Cloud != customer.Cloud || partner.Currency != customer.Currency {
		return models.Association{}, ErrOtherSite
	}
	now := s.now()
	association := models.Association{
		ID: s.IDs(models.PrefixAssociation), CustomerID: customer.ID, PartnerID: partner.ID,
		Mode: cmd.Mode, Source: cmd.Source, Tag: cmd.Tag, Since: now,
	}
	if err := insertAssociation(ctx, tx, &association); err != nil {
		if store.Conflicts(err, "associations", "customer_id") {
			return models.Association{}, ErrAlreadyAssociated
		}
		return models.Association{}, err
	}
	customer.PartnerID, customer.Mode, customer.UpdatedAt = partner.ID, cmd.Mode, now
	if err := updateCustomerPartner(ctx, tx, customer); err != nil {
		if store.Conflicts(err, "customers", "external_id") {
			return models.Association{}, ErrExternalTaken
		}
		return models.Association{}, err
	}
	return association, s.Events.Record(ctx, tx, who, models.Event{
		Type: models.EventCustomerAssociated, PartnerID: partner.ID, CustomerID: customer.ID, SubjectID: string(customer.ID),
		Fields: []string{"association"},
		Data:   map[string]any{"associationId": association.ID, "mode": cmd.Mode, "source": cmd.Source},
	})
}

// complete fills in the defaults and checks the rest.
func (cmd *Associate) complete() error {
	if cmd.Mode == "" {
		cmd.Mode = models.Resale
	}
	if cmd.Source == "" {
		cmd.Source = models.SourceAPI
	}
	if cmd.Mode != models.Resale && cmd.Mode != models.Advisory {
		return models.Invalid("mode", "The mode is ADVISORY or RESALE.")
	}
	switch cmd.Source {
	case models.SourceReport, models.SourceInvite, models.SourceAPI, models.SourceSSO:
		return checkText(cmd.Tag, 64, "tag")
	}
	return models.Invalid("source", "The source is REPORT, INVITE, API or SSO.")
}

// partnerFor returns the partner that shall win a customer. A partner acts for itself and its resellers only; a customer
// that agrees may name any.
func (s *Service) partnerFor(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.Partner, error) {
	if who.CustomerID != "" {
		who = models.SystemPrincipal("association")
	}
	partner, found, err := selectPartner(ctx, tx, who, id)
	if err != nil {
		return models.Partner{}, err
	}
	if !found {
		return models.Partner{}, ErrPartnerUnknown
	}
	if partner.State != models.PartnerActive {
		return models.Partner{}, ErrPartnerRestricted
	}
	if partner.ParentID == "" {
		return partner, nil
	}
	// A reseller does not act for its distributor, but the distributor's state counts all the same (CBC.50010086).
	distributor, found, err := selectPartner(ctx, tx, models.SystemPrincipal("association"), partner.ParentID)
	if err == nil && (!found || distributor.State != models.PartnerActive) {
		err = ErrPartnerRestricted
	}
	return partner, err
}
