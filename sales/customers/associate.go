package customers

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// The refusals of an association, with machine-readable reasons; models.RelationBlock has the others.
var (
	ErrAlreadyAssociated = models.BlockAssociated.Refusal()
	ErrPartnerRestricted = models.BlockPartner.Refusal()
	ErrReportRequired    = models.BlockUnreported.Refusal()
	ErrFrozen            = models.BlockAccount.Refusal()
	ErrOtherSite         = models.BlockSite.Refusal()
)

// Associate makes an existing customer a partner's.
type Associate struct {
	CustomerID models.ID
	PartnerID  models.ID
	Mode       models.AssociationMode   // empty = RESALE
	Source     models.AssociationSource // empty = API; REPORT lifts the 7-day rule (C07)
	Tag        string                   // at most 64 characters (C06)

	report models.ID // that led to it; zero = looked for
}

// AssociateIn associates an existing customer with a partner in the caller's transaction. The customer's own consent
// makes it so: the principal is the customer, or the system or an operator acting on a consent given elsewhere; a partner
// cannot take a customer. Refused with PRECONDITION_FAILED is whatever models.RelationFacts finds in the way (C07 to C09); a
// report of the partner about this customer lifts the 7-day rule, and is LINKED by it.
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
	if err := cmd.complete(); err != nil {
		return models.Association{}, err
	}
	blockers, err := s.blockers(ctx, tx, who, customer, cmd)
	if err != nil {
		return models.Association{}, err
	}
	if err := models.RefusalOf(blockers); err != nil {
		return models.Association{}, err
	}
	return s.link(ctx, tx, who, &customer, cmd)
}

// blockers applies the rules for a customer that existed before.
func (s *Service) blockers(ctx context.Context, tx bun.IDB, who models.Principal, customer models.Customer, cmd Associate) ([]models.RelationBlocker, error) {
	partner, barred, err := s.partnerFor(ctx, tx, who, cmd.PartnerID)
	if err != nil {
		return nil, err
	}
	facts, err := s.facts(ctx, tx, customer)
	if err != nil {
		return nil, err
	}
	facts.PartnerBarred, facts.OtherSite, facts.Reported = barred, otherSite(partner, customer), cmd.Source == models.SourceReport
	if !facts.Reported {
		if _, facts.Reported, err = selectReportOf(ctx, tx, partner.ID, customer, facts.Now); err != nil {
			return nil, err
		}
	}
	return facts.AssociationBlockers(cmd.Mode), nil
}

// link writes the association and repeats partner, mode and beginning on the customer, where row scopes and searches read them.
func (s *Service) link(ctx context.Context, tx bun.IDB, who models.Principal, customer *models.Customer, cmd Associate) (models.Association, error) {
	if err := cmd.complete(); err != nil {
		return models.Association{}, err
	}
	partner, barred, err := s.partnerFor(ctx, tx, who, cmd.PartnerID)
	if err != nil {
		return models.Association{}, err
	}
	if barred {
		return models.Association{}, ErrPartnerRestricted
	}
	if otherSite(partner, *customer) {
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
	customer.PartnerID, customer.Mode, customer.AssociatedAt, customer.UpdatedAt = partner.ID, cmd.Mode, &now, now
	if err := updateCustomerPartner(ctx, tx, customer); err != nil {
		if store.Conflicts(err, "customers", "external_id") {
			return models.Association{}, ErrExternalTaken
		}
		return models.Association{}, err
	}
	if err := s.linkReport(ctx, tx, cmd, *customer); err != nil {
		return models.Association{}, err
	}
	return association, s.Events.Record(ctx, tx, who, models.Event{
		Type: models.EventCustomerAssociated, PartnerID: partner.ID, CustomerID: customer.ID, SubjectID: string(customer.ID),
		Fields: []string{"association", "mode"}, Changes: []models.FieldChange{
			models.Changed("association", "", association.ID), models.Changed("mode", "", cmd.Mode), // whose it is now, the event's partner says to those who may know
		},
		Data: map[string]any{"associationId": association.ID, "mode": cmd.Mode, "source": cmd.Source},
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

// linkReport closes the partner's report about a customer that is its own now, if there is one.
func (s *Service) linkReport(ctx context.Context, tx bun.IDB, cmd Associate, customer models.Customer) error {
	id := cmd.report
	if id == "" {
		report, found, err := selectReportOf(ctx, tx, customer.PartnerID, customer, s.now())
		if err != nil || !found {
			return err
		}
		id = report.ID
	}
	report, found, err := selectReportForUpdate(ctx, tx, models.SystemPrincipal("association"), id)
	if err != nil || !found || !report.Live(s.now()) {
		return err
	}
	if err := report.Become(models.ReportLinked, s.now()); err != nil {
		return err
	}
	report.CustomerID = customer.ID
	return updateReport(ctx, tx, &report)
}

// partnerFor returns the partner that shall win a customer, and whether it may not: it is, or its distributor is,
// restricted or expired, or it is a reseller without one. A partner acts for itself and its resellers only; a customer that agrees may name any.
func (s *Service) partnerFor(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (partner models.Partner, barred bool, err error) {
	if who.CustomerID != "" {
		who = models.SystemPrincipal("association")
	}
	partner, found, err := selectPartner(ctx, tx, who, id)
	if err != nil {
		return models.Partner{}, false, err
	}
	if !found {
		return models.Partner{}, false, ErrPartnerUnknown
	}
	if partner.State != models.PartnerActive || partner.ParentID == "" {
		// A reseller that nobody answers for wins nobody either (P11, P12).
		return partner, partner.State != models.PartnerActive || partner.Kind == models.CloudReseller, nil
	}
	// A reseller does not act for its distributor, but the distributor's state counts all the same (CBC.50010086).
	distributor, found, err := selectPartner(ctx, tx, models.SystemPrincipal("association"), partner.ParentID)
	return partner, !found || distributor.State != models.PartnerActive, err
}
