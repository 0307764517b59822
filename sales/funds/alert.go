package funds

import (
	"context"
	"strconv"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// The refusals of balance alerts.
var (
	ErrAlertOwners    = models.Forbidden("Partners and customers set their own alerts: use the owner's credential.")
	ErrAlertUnknown   = models.NotFound("balance alert")
	ErrPartnerUnknown = models.NotFound("partner")
	ErrAlertAdvisory  = models.Precondition("ADVISORY_CUSTOMER", "An advisory customer watches its own balance; its partner does not see it (C01).")
	ErrAlertResale    = models.Precondition("RESALE_CUSTOMER", "The balance of a resale customer is its partner's to watch, because the money comes from there (C02).")
)

// SetBalanceAlert says below which available balance an owner wants to be told.
type SetBalanceAlert struct {
	PartnerID  *models.ID      // the caller itself; nil = the caller, unless there is a customer
	CustomerID *models.ID      // a partner's resale customer, or the caller itself; nil = the caller
	Threshold  decimal.Decimal // in the owner's currency, more than zero, at most 2 fraction digits
	Enabled    bool            // false keeps the threshold and tells nobody
}

// RemoveBalanceAlert says whose alert to take away; the two are as in SetBalanceAlert.
type RemoveBalanceAlert struct {
	PartnerID  *models.ID
	CustomerID *models.ID
}

// AlertChange is an alert as a change leaves it, or as it was when it was removed.
type AlertChange struct {
	BalanceAlert models.BalanceAlert
}

// SetBalanceAlert makes an owner's alert or changes it (M09). A partner sets its own and those of its resale customers; a
// customer without a partner, or with an advisory one, its own. The balance is looked at in the same transaction, so that
// an alert set above it triggers at once. It needs BALANCE_ALERTS_WRITE; operators are FORBIDDEN, another's partner or
// customer is NOT_FOUND, and ADVISORY_CUSTOMER and RESALE_CUSTOMER are reasons of PRECONDITION_FAILED. The same call again
// changes nothing further, so it takes no key.
func (s *Service) SetBalanceAlert(ctx context.Context, who models.Principal, cmd SetBalanceAlert) (AlertChange, error) {
	if err := access.Require(who, models.WriteAlerts); err != nil {
		return AlertChange{}, err
	}
	if err := checkThreshold(cmd.Threshold); err != nil {
		return AlertChange{}, err
	}
	var done AlertChange
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		owner, err := s.alertOwner(ctx, tx, who, cmd.PartnerID, cmd.CustomerID)
		if err != nil {
			return err
		}
		threshold, err := models.ParseMoney(cmd.Threshold, owner.currency, "threshold")
		if err != nil {
			return err
		}
		done.BalanceAlert, err = s.setAlertIn(ctx, tx, who, owner, threshold, cmd.Enabled)
		return err
	})
	if err != nil {
		return AlertChange{}, err
	}
	return done, nil
}

// RemoveBalanceAlert takes an owner's alert away; whoever may set it may. NOT_FOUND when there is none.
func (s *Service) RemoveBalanceAlert(ctx context.Context, who models.Principal, cmd RemoveBalanceAlert) (AlertChange, error) {
	if err := access.Require(who, models.WriteAlerts); err != nil {
		return AlertChange{}, err
	}
	var done AlertChange
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		owner, err := s.alertOwner(ctx, tx, who, cmd.PartnerID, cmd.CustomerID)
		if err != nil {
			return err
		}
		alert, found, err := selectAlertForUpdate(ctx, tx, owner.id)
		if err != nil {
			return err
		}
		if !found {
			return ErrAlertUnknown
		}
		done.BalanceAlert = alert
		return s.removeAlertIn(ctx, tx, who, owner)
	})
	if err != nil {
		return AlertChange{}, err
	}
	return done, nil
}

// PartnerAlerts returns the alerts of the partners whose balance the caller may read, with one statement however many there
// are. Who has none is absent. It needs BALANCES_READ.
func (s *Service) PartnerAlerts(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.BalanceAlert, error) {
	return alertsOf(ctx, s.DB, who, ids, selectPartnerAlerts)
}

// CustomerAlerts does the same for customers, a partner's being its resale customers.
func (s *Service) CustomerAlerts(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.BalanceAlert, error) {
	return alertsOf(ctx, s.DB, who, ids, selectCustomerAlerts)
}

type alertFinder func(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]models.BalanceAlert, error)

func alertsOf(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID, find alertFinder) (map[models.ID]models.BalanceAlert, error) {
	if err := access.Require(who, models.ReadBalances); err != nil {
		return nil, err
	}
	byOwner := make(map[models.ID]models.BalanceAlert, len(ids))
	if len(ids) == 0 {
		return byOwner, nil
	}
	found, err := find(ctx, db, who, ids)
	for _, alert := range found {
		byOwner[alert.OwnerID] = alert
	}
	return byOwner, err
}

// checkThreshold looks at sign and exponent, before anything writes the threshold out; models.ParseMoney does the rest once
// the currency is known.
func checkThreshold(threshold decimal.Decimal) error {
	if threshold.Sign() <= 0 {
		return models.Invalid("threshold", "The threshold must be above zero.")
	}
	if threshold.Exponent() > 0 || threshold.Exponent() < -20 {
		return models.Invalid("threshold", "The threshold must be a plain decimal.")
	}
	return nil
}

// watched is an owner whose balance the caller may put an alert on.
type watched struct {
	kind     models.OwnerKind
	id       models.ID
	currency models.Currency
	// partner and customer are whom its events concern; either may be zero.
	partner, customer models.ID
}

// alertOwner finds whose alert the caller means and may change. A customer's row is locked against change, so that an
// association cannot end between this look and the alert.
func (s *Service) alertOwner(ctx context.Context, tx bun.IDB, who models.Principal, partner, customer *models.ID) (watched, error) {
	if err := checkOwner(partner, customer); err != nil {
		return watched{}, err
	}
	switch {
	case who.CustomerID != "":
		if partner != nil {
			return watched{}, ErrPartnerUnknown
		}
		if customer == nil {
			customer = &who.CustomerID
		}
		return watchedCustomer(ctx, tx, who, *customer)
	case who.PartnerID == "":
		return watched{}, ErrAlertOwners
	case customer != nil:
		return watchedCustomer(ctx, tx, who, *customer)
	case partner != nil && *partner != who.PartnerID:
		return watched{}, ErrPartnerUnknown
	}
	own, err := selectPartners(ctx, tx, who, []models.ID{who.PartnerID})
	if err == nil && len(own) == 0 {
		err = ErrPartnerUnknown
	}
	if err != nil {
		return watched{}, err
	}
	return watched{kind: models.OwnerPartner, id: who.PartnerID, currency: own[0].Currency, partner: who.PartnerID}, nil
}

func checkOwner(partner, customer *models.ID) error {
	if partner != nil {
		if err := partner.Require(models.PrefixPartner, "partnerId"); err != nil {
			return err
		}
	}
	if customer == nil {
		return nil
	}
	if partner != nil {
		return models.Invalid("customerId", "An alert belongs to a partner or to a customer, not to both.")
	}
	return customer.Require(models.PrefixCustomer, "customerId")
}

// watchedCustomer applies the rule of who watches a customer's balance: who puts the money in.
func watchedCustomer(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (watched, error) {
	if who.CustomerID != "" && id != who.CustomerID {
		return watched{}, ErrCustomerUnknown
	}
	customer, found, err := selectWatchedCustomerForShare(ctx, tx, id)
	if err != nil {
		return watched{}, err
	}
	switch {
	case !found, who.CustomerID == "" && customer.PartnerID != who.PartnerID:
		return watched{}, ErrCustomerUnknown
	case who.CustomerID == "" && customer.Mode != models.Resale:
		return watched{}, ErrAlertAdvisory
	case who.CustomerID != "" && customer.Mode == models.Resale:
		return watched{}, ErrAlertResale
	}
	return ofCustomer(customer), nil
}

// ofCustomer names the partner only where it may know: an advisory customer's money is its own (C01).
func ofCustomer(customer models.Customer) watched {
	w := watched{kind: models.OwnerCustomer, id: customer.ID, currency: customer.Currency, customer: customer.ID}
	if customer.Mode == models.Resale {
		w.partner = customer.PartnerID
	}
	return w
}

// setAlertIn writes the alert and looks at the balance. Inserting before locking makes two first calls take turns.
func (s *Service) setAlertIn(ctx context.Context, tx bun.IDB, who models.Principal, owner watched, threshold models.Money, enabled bool) (models.BalanceAlert, error) {
	now := s.moment()
	fresh := models.BalanceAlert{
		OwnerID: owner.id, OwnerKind: owner.kind, Currency: owner.currency, ThresholdMinor: threshold.Minor, State: models.AlertArmed,
		CreatedAt: now, UpdatedAt: now,
	}
	if err := insertAlert(ctx, tx, &fresh); err != nil {
		return models.BalanceAlert{}, err
	}
	alert, found, err := selectAlertForUpdate(ctx, tx, owner.id)
	if err != nil {
		return models.BalanceAlert{}, err
	}
	if !found {
		return models.BalanceAlert{}, ErrAlertUnknown
	}
	if alert.Version > 0 && alert.Enabled == enabled && alert.ThresholdMinor == threshold.Minor {
		return alert, nil
	}
	accounts, err := s.Ledger.Accounts(ctx, tx, []string{string(owner.id)}, moneyKinds()...)
	if err != nil {
		return models.BalanceAlert{}, err
	}
	available := models.BalanceOf(accounts, owner.currency, now).Available
	before, was := alert.Version, alert
	alert, crossed := alert.Ask(threshold.Minor, enabled, now).See(available.Minor, now)
	if _, err := updateAlert(ctx, tx, &alert, before); err != nil {
		return models.BalanceAlert{}, err
	}
	set := owner.event(models.EventBalanceAlertSet)
	set.Fields = []string{"threshold", "enabled"}
	set.Changes = alertChanges(was, alert)
	set.Data = map[string]any{"threshold": threshold.Plain(), "currency": owner.currency, "enabled": enabled}
	happened := []models.Event{set}
	if crossed {
		happened = append(happened, owner.crossed(alert, available))
	}
	return alert, s.Events.Record(ctx, tx, who, happened...)
}

func (s *Service) removeAlertIn(ctx context.Context, tx bun.IDB, who models.Principal, owner watched) error {
	if err := deleteAlert(ctx, tx, owner.id); err != nil {
		return err
	}
	return s.Events.Record(ctx, tx, who, owner.event(models.EventBalanceAlertRemoved))
}

// event is something that happened to the owner's alert.
func (w watched) event(what models.EventType) models.Event {
	return models.Event{Type: what, PartnerID: w.partner, CustomerID: w.customer, SubjectID: string(w.id)}
}

// crossed is what tells the owner.
func (w watched) crossed(alert models.BalanceAlert, available models.Money) models.Event {
	told := w.event(models.EventBalanceAlert)
	told.Fields = []string{"balance"}
	told.Data = map[string]any{
		"threshold": alert.Threshold().Plain(), "available": available.Plain(), "currency": alert.Currency, "crossing": alert.Version,
	}
	return told
}

// moment is the time to write: in UTC and no finer than the databases keep.
func (s *Service) moment() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// alertChanges says what a call changed of an alert; before its first call it had nothing.
func alertChanges(before, after models.BalanceAlert) []models.FieldChange {
	text := func(a models.BalanceAlert) (threshold, enabled string) {
		if a.Version == 0 {
			return "", ""
		}
		return models.Money{Minor: a.ThresholdMinor, Currency: a.Currency}.Plain(), strconv.FormatBool(a.Enabled)
	}
	wasThreshold, wasEnabled := text(before)
	threshold, enabled := text(after)
	var changes []models.FieldChange
	if wasThreshold != threshold {
		changes = append(changes, models.Changed("threshold", wasThreshold, threshold))
	}
	if wasEnabled != enabled {
		changes = append(changes, models.Changed("enabled", wasEnabled, enabled))
	}
	return changes
}
