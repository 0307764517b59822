package apitest

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/partnergraph/partnergraph/models"
)

// Caller is a principal of the world. At most one of Operator, Org and Buyer is set; a caller with none of them has no
// valid credential.
type Caller struct {
	Name     string
	Key      string
	Operator bool
	Org      *Org
	Buyer    *Buyer
}

// Void reports whether the caller's credential is missing, expired or revoked.
func (c Caller) Void() bool { return !c.Operator && c.Org == nil && c.Buyer == nil }

// Permissions are what the caller's key may do at all.
func (c Caller) Permissions() []models.Permission {
	switch {
	case c.Operator:
		return models.DefaultPermissions(models.Operator, "")
	case c.Org != nil:
		return models.DefaultPermissions(models.PartnerKey, c.Org.Partner.Kind)
	case c.Buyer != nil:
		return models.DefaultPermissions(models.CustomerUser, "")
	}
	return nil
}

// Callers returns everybody: the operator, every partner, every customer, and three without a valid credential.
func (w *World) Callers() []Caller {
	all := []Caller{{Name: "operator", Key: w.OperatorKey, Operator: true}}
	for _, org := range w.Orgs() {
		all = append(all, Caller{Name: org.Tag, Key: org.Key, Org: org})
	}
	for _, buyer := range w.Buyers() {
		all = append(all, Caller{Name: buyer.Tag, Key: buyer.Key, Buyer: buyer})
	}
	return append(all, Caller{Name: "anonymous"}, Caller{Name: "expired key", Key: w.ExpiredKey}, Caller{Name: "revoked key", Key: w.RevokedKey})
}

// holder is whose something is.
type holder struct {
	org   *Org
	buyer *Buyer
}

// indexJobs learns the jobs, which are the operators'.
func (w *World) indexJobs(ctx context.Context, t *testing.T) {
	t.Helper()
	var jobs []int64
	must(t, w.DB.NewSelect().Table("river_job").Column("id").Scan(ctx, &jobs))
	for _, n := range jobs {
		w.owners[models.IDFromNumber(models.PrefixJob, n)] = holder{}
	}
}

// indexOrders learns whose orders, their lines and refunds, and resources there are.
func (w *World) indexOrders(ctx context.Context, t *testing.T, buyers map[models.ID]*Buyer) {
	t.Helper()
	var orders []models.Order
	var items []models.OrderItem
	var refunds []models.OrderRefund
	var resources []models.Resource
	for _, rows := range []any{&orders, &items, &refunds, &resources} {
		must(t, w.DB.NewSelect().Model(rows).Scan(ctx))
	}
	for _, row := range orders {
		w.owners[row.ID] = holder{buyer: buyers[row.CustomerID]}
		w.amount(t, row.Total(), string(row.ID))
	}
	for _, row := range items {
		w.owners[row.ID] = w.owners[row.OrderID]
		w.amount(t, models.NewMoney(row.AmountMinor, row.Currency), string(row.ID))
	}
	for _, row := range refunds {
		w.owners[row.ID] = w.owners[row.OrderID]
		w.owners[row.TransferID] = w.owners[row.OrderID]
		w.amount(t, row.Amount(), string(row.ID))
	}
	for _, row := range resources {
		w.owners[row.ID] = holder{buyer: buyers[row.CustomerID]}
		w.text(row.Name, row.ID)
		w.text(row.CloudID, row.ID)
	}
}

// index learns whose every row is, by its customer or partner alone: what the server derives from that, such as the
// partner whose money pays an order, is what the oracle is to judge.
func (w *World) index(ctx context.Context, t *testing.T) {
	t.Helper()
	w.owners, w.events = map[models.ID]holder{w.OperatorKeyID: {}}, map[models.ID]models.Event{}
	orgs, buyers := map[models.ID]*Org{}, map[models.ID]*Buyer{}
	for _, org := range w.Orgs() {
		orgs[org.Partner.ID] = org
		w.owners[org.Partner.ID] = holder{org: org}
		w.owners[org.ManagerID] = holder{org: org}
	}
	for _, twin := range w.twins {
		orgs[twin.Partner.ID], w.owners[twin.Partner.ID] = twin, holder{org: twin}
	}
	for _, buyer := range w.Buyers() {
		buyers[buyer.Customer.ID] = buyer
		w.owners[buyer.Customer.ID] = holder{buyer: buyer}
	}
	var associations []models.Association
	var statements []models.IncentiveStatement
	var lines []models.IncentiveLine
	var configurations []models.AccessConfiguration
	var providers []models.ServiceProvider
	var bindings []models.CloudBinding
	var keys []models.APIKey
	var signingKeys []models.SigningKey
	var sessions []models.Session
	var events []models.Event
	var accounts []models.Account
	var alerts []models.BalanceAlert
	var entries []models.Entry
	var withdrawals []models.Withdrawal
	for _, rows := range []any{&associations, &statements, &lines, &configurations, &providers, &bindings, &keys, &events, &accounts, &alerts, &entries, &withdrawals, &signingKeys, &sessions} {
		must(t, w.DB.NewSelect().Model(rows).Scan(ctx))
	}
	w.indexJobs(ctx, t)
	w.indexOrders(ctx, t, buyers)
	w.indexRecharges(ctx, t, orgs, buyers)
	w.indexFederation(ctx, t, orgs)
	w.indexWebhooks(ctx, t, orgs)
	w.indexRelations(ctx, t, orgs, buyers)
	w.indexCooperations(ctx, t, orgs)
	w.indexCatalogue(ctx, t, buyers)
	w.indexVerifications(ctx, t, buyers)
	w.indexCoupons(ctx, t, orgs, buyers)
	w.indexBills(ctx, t, orgs, buyers)
	w.indexPackages(ctx, t, buyers)
	w.indexPayouts(ctx, t, orgs)
	w.indexBenefits(ctx, t, orgs)
	w.indexBrands(ctx, t, orgs)
	w.indexStaff(ctx, t, orgs)
	w.indexTransfers(ctx, t, orgs)
	w.indexSettlements(ctx, t, buyers)
	w.indexCompanies(ctx, t)
	for _, row := range associations {
		w.owners[row.ID] = holder{buyer: buyers[row.CustomerID]}
	}
	for _, row := range statements {
		w.owners[row.ID] = holder{org: orgs[row.PartnerID]}
		if row.PerformanceMinor == 0 || row.OriginID != "" { // it was not worked out yet, or tells what another one does
			continue
		}
		w.amount(t, row.Total(), string(row.ID))
		w.amount(t, row.Performance(), string(row.ID))
	}
	for _, row := range lines {
		w.owners[row.ID] = w.owners[row.StatementID]
	}
	platforms := map[string]holder{}
	for _, row := range configurations {
		w.owners[row.ID] = holder{org: orgs[row.PartnerID]}
		platforms[row.PlatformID] = w.owners[row.ID]
	}
	for _, row := range signingKeys {
		w.owners[row.ID] = platforms[row.PlatformID]
		w.text(row.Fingerprint(), row.ID)
		w.text(row.CertificatePEM(), row.ID)
	}
	for _, org := range w.Orgs() {
		if org.Person != "" {
			w.owners[org.Person] = holder{org: org}
		}
	}
	for _, row := range sessions {
		w.owners[row.ID] = holder{} // shown to its person, and no key is one
	}
	for _, row := range providers {
		w.owners[row.ID] = holder{org: orgs[row.PartnerID]}
	}
	for _, row := range bindings {
		w.owners[row.ID] = holder{buyer: buyers[row.CustomerID]}
	}
	for _, row := range keys {
		w.owners[row.ID] = holder{org: orgs[row.PartnerID], buyer: buyers[row.CustomerID]}
		w.text(row.Prefix, row.ID)
	}
	for _, row := range events {
		w.owners[row.ID] = holder{}
		w.events[row.ID] = row
	}
	for _, row := range withdrawals {
		w.owners[row.ID] = holder{org: orgs[row.PartnerID()], buyer: buyers[row.CustomerID()]}
		w.amount(t, row.Amount(), string(row.ID))
		w.text(row.CardLastFour, row.ID)
	}
	for _, row := range alerts { // who knows what there is knows what is watched
		w.amount(t, row.Threshold(), "balance:"+string(row.OwnerID))
	}
	holders := map[models.ID]models.ID{}
	for _, row := range accounts {
		if isMoney(row) { // coupons and quotas are in no statement
			holders[row.ID] = models.ID(row.OwnerID)
		}
	}
	w.transfers = map[models.ID][]models.ID{}
	for _, row := range entries {
		w.owners[row.ID], w.owners[row.TransferID] = w.owners[holders[row.AccountID]], holder{}
		w.transfers[row.TransferID] = append(w.transfers[row.TransferID], holders[row.AccountID])
	}
	for _, row := range accounts {
		if isMoney(row) && row.Kind != models.AccountSettlement { // what they owed on account is paid, of all of them
			w.amount(t, models.NewMoney(row.BalanceMinor, models.CNY), "balance:"+row.OwnerID)
		}
	}
}

// isMoney tells the accounts of partners and customers.
func isMoney(a models.Account) bool {
	return a.OwnerKind == models.OwnerPartner || a.OwnerKind == models.OwnerCustomer
}

func (w *World) indexWebhooks(ctx context.Context, t *testing.T, orgs map[models.ID]*Org) {
	t.Helper()
	var endpoints []models.WebhookEndpoint
	var deliveries []models.WebhookDelivery
	for _, rows := range []any{&endpoints, &deliveries} {
		must(t, w.DB.NewSelect().Model(rows).Scan(ctx))
	}
	for _, row := range endpoints {
		w.owners[row.ID] = holder{org: orgs[row.PartnerID]}
	}
	for _, row := range deliveries {
		w.owners[row.ID] = w.owners[row.EndpointID]
	}
}

// amount remembers what an amount tells; two that tell different things would make the proof worthless.
func (w *World) amount(t *testing.T, m models.Money, tells string) {
	t.Helper()
	text := m.Amount().StringFixed(2)
	if other, taken := w.amounts[text]; taken && other != tells {
		t.Fatalf("apitest: the amount %s belongs to both %s and %s", text, other, tells)
	}
	w.amounts[text] = tells
}

// ResourceKey returns the storefront's own key of a resource.
func (w *World) ResourceKey(id models.ID) string { return "key of " + string(id) }

// Event returns an event of the world by its id.
func (w *World) Event(id models.ID) models.Event { return w.events[id] }

// Known reports whether the id is of the world at all.
func (w *World) Known(id models.ID) bool {
	_, known := w.owners[id]
	return known
}

// IDs returns every id of the world with one of the prefixes, or with any, sorted.
func (w *World) IDs(prefixes ...string) []models.ID {
	var ids []models.ID
	for id := range w.owners {
		if len(prefixes) == 0 || slices.Contains(prefixes, id.Prefix()) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// Visible returns those of IDs that the caller may see.
func (w *World) Visible(c Caller, prefixes ...string) []models.ID {
	return slices.DeleteFunc(w.IDs(prefixes...), func(id models.ID) bool { return !w.Sees(c, id) })
}

// Sees is the oracle: it says in the business's words whether the caller may know of the object with this id.
func (w *World) Sees(c Caller, id models.ID) bool {
	if c.Void() {
		return false
	}
	if ofCatalogue(id) {
		return true
	}
	h, known := w.owners[id]
	if !known {
		return false
	}
	if c.Operator {
		return true
	}
	switch id.Prefix() {
	case models.PrefixPartner: // a company knows itself, its distributor and its resellers; a customer its partner
		return h.companyKnownTo(c)
	case models.PrefixCustomerReport, models.PrefixInvitation, models.PrefixCooperation, models.PrefixCooperationRequest,
		models.PrefixCouponQuota, models.PrefixCouponQuotaRecord: // its distributor gave it, or may
		return c.knowsProspectsOf(h.org)
	case models.PrefixResellerManager: // the distributor's affair
		return c.Org != nil && h.org.Parent == c.Org
	case models.PrefixUser: // people of a partner, and of customers that are bound to a platform
		return h.personKnownTo(c)
	case models.PrefixCustomer, models.PrefixAssociation, models.PrefixAssociationRequest, models.PrefixAuthorization, models.PrefixVerification,
		models.PrefixCloudBinding, models.PrefixFederatedIdentity, // both name the same account
		models.PrefixDiscount: // present partners gave them, or know of the contract
		return c.Buyer == h.buyer && c.Buyer != nil || c.sellsTo(h.buyer)
	case models.PrefixCoupon, models.PrefixCouponRecord, models.PrefixCouponUse, // only resale customers have some
		models.PrefixOrder, models.PrefixOrderItem, models.PrefixOrderRefund, models.PrefixResource, models.PrefixQuote, models.PrefixBillLine, models.PrefixBillMonth,
		models.PrefixResourcePackage, models.PrefixPackageItem, models.PrefixPackageUsage, models.PrefixMonthlySettlement, models.PrefixPriceAdjustment: // an advisory customer buys on its own account
		return c.Buyer == h.buyer && c.Buyer != nil || c.sellsTo(h.buyer) && h.buyer.Customer.Mode == models.Resale
	case models.PrefixIncentiveStatement, models.PrefixIncentiveLine, models.PrefixPerformanceLine, models.PrefixAccessConfiguration, models.PrefixServiceProvider, models.PrefixSigningKey,
		models.PrefixBindNotification, models.PrefixTestLogin, models.PrefixWebhookEndpoint, models.PrefixWebhookDelivery, models.PrefixCertification, models.PrefixPayout,
		models.PrefixBenefitApplication, models.PrefixResellerUpgrade, models.PrefixPartnerCapability, models.PrefixBrandVersion,
		models.PrefixStaffScheme, models.PrefixStaffMember, models.PrefixStaffMonth, models.PrefixStaffPayment, models.PrefixIncentiveTransfer:
		return c.Org != nil && h.org == c.Org
	case models.PrefixCompany, models.PrefixCompanyFact: // C23
		return c.Org != nil && c.Org.Partner.Kind.HasExposure()
	case models.PrefixRemittance, models.PrefixCustomerRestriction: // a bank statement is nobody's but the operator's, and so are its notes
		return false
	// Where money comes from and goes to concerns its owner only, as do its people and its keys.
	case models.PrefixAPIKey, models.PrefixWithdrawal, models.PrefixRecharge, models.PrefixRemittanceClaim, models.PrefixPayerAgreement:
		return c.Org != nil && h.org == c.Org || c.Buyer != nil && h.buyer == c.Buyer
	case models.PrefixEntry: // whoever knows what there is knows how it came about
		return h != holder{} && w.SeesBalance(c, w.holderID(h))
	case models.PrefixTransfer: // one side of it suffices
		return slices.ContainsFunc(w.transfers[id], func(owner models.ID) bool { return w.SeesBalance(c, owner) })
	case models.PrefixEvent:
		return c.concernedBy(w.events[id])
	}
	return false
}

func (c Caller) concernedBy(event models.Event) bool {
	return c.Org != nil && event.PartnerID == c.Org.Partner.ID || c.Buyer != nil && event.CustomerID == c.Buyer.Customer.ID
}

// knowsProspectsOf reports whether the caller knows whom a partner courts: its distributor does, and no customer.
func (c Caller) knowsProspectsOf(o *Org) bool {
	return c.Org != nil && (o == c.Org || o.Parent == c.Org)
}

func (h holder) companyKnownTo(c Caller) bool {
	if c.Buyer != nil {
		return h.org == c.Buyer.Owner
	}
	return h.org == c.Org || h.org == c.Org.Parent || h.org.Parent == c.Org
}

func (h holder) personKnownTo(c Caller) bool {
	return h.org != nil && c.Org == h.org || h.buyer != nil && (c.Buyer == h.buyer || c.sellsTo(h.buyer))
}

func (w *World) holderID(h holder) models.ID {
	if h.buyer != nil {
		return h.buyer.Customer.ID
	}
	return h.org.Partner.ID
}

// Entries returns the ids of what happened on the accounts of an owner, sorted.
func (w *World) Entries(owner models.ID) []models.ID {
	return slices.DeleteFunc(w.IDs(models.PrefixEntry), func(id models.ID) bool {
		h := w.owners[id]
		return h == holder{} || w.holderID(h) != owner
	})
}

// sellsTo reports whether the buyer is a customer of the caller or of its reseller.
func (c Caller) sellsTo(b *Buyer) bool {
	return c.Org != nil && b != nil && (b.Owner == c.Org || b.Owner.Parent == c.Org)
}

// SeesBalance says whether the caller may know what an owner has: its own, its resellers', its and their resale customers'.
func (w *World) SeesBalance(c Caller, owner models.ID) bool {
	h := w.owners[owner]
	switch {
	case c.Operator:
		return true
	case h.buyer != nil:
		return c.Buyer == h.buyer || c.sellsTo(h.buyer) && h.buyer.Customer.Mode == models.Resale
	case h.org != nil:
		return c.Org != nil && (h.org == c.Org || h.org.Parent == c.Org)
	}
	return false
}

var (
	anID  = regexp.MustCompile(`\b[a-z]{3,4}_[0-9a-hjkmnp-tv-z]{26}\b`)
	aText = regexp.MustCompile(`(?:distributor|reseller|provider)[01](?:-(?:resale|advisory))?`)
)

// Leaks returns everything in a decoded answer that the caller may not know: ids, texts and amounts of others.
func (w *World) Leaks(c Caller, answer any) []string {
	l := &leaks{World: w, caller: c}
	l.walk("", answer)
	return l.found
}

type leaks struct {
	*World
	caller Caller
	found  []string
}

func (l *leaks) walk(at string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			if name != "actorId" { // the record says who did it to everybody whom it concerns
				l.walk(at+"."+name, member)
			}
		}
	case []any:
		for _, member := range v {
			l.walk(at, member)
		}
	case string:
		l.string(at, v)
	}
}

func (l *leaks) string(at, v string) {
	report := func(allowed bool) {
		if !allowed {
			l.found = append(l.found, at+" = "+v)
		}
	}
	for _, id := range anID.FindAllString(v, -1) {
		report(l.Sees(l.caller, models.ID(id)))
	}
	if strings.HasSuffix(at, ".federatedIdentities.platformId") {
		return // whoever came from a platform knows its name; nothing else of its settings is shown
	}
	if tells, ok := l.amounts[v]; ok && strings.HasSuffix(at, ".amount") {
		if owner, isBalance := strings.CutPrefix(tells, "balance:"); isBalance {
			report(l.SeesBalance(l.caller, models.ID(owner)))
		} else {
			report(l.Sees(l.caller, models.ID(tells)) || slices.ContainsFunc(l.alsoTell[v], func(id models.ID) bool { return l.Sees(l.caller, id) }))
		}
		return
	}
	if id, ok := l.texts[strings.ToLower(v)]; ok {
		report(l.Sees(l.caller, id))
		return
	}
	// The rest of the world's texts is in the access configurations.
	if tag := aText.FindString(strings.ToLower(v)); tag != "" {
		report(l.caller.Operator || l.caller.Org != nil && l.caller.Org.Tag == tag)
	}
}

// IDsIn returns the ids with a prefix in a decoded answer, wherever an object has one of its own.
func IDsIn(answer any, prefix string) (found []string) {
	switch v := answer.(type) {
	case map[string]any:
		if id, ok := v["id"].(string); ok && models.ID(id).Prefix() == prefix {
			found = append(found, id)
		}
		for _, member := range v {
			found = append(found, IDsIn(member, prefix)...)
		}
	case []any:
		for _, member := range v {
			found = append(found, IDsIn(member, prefix)...)
		}
	}
	return found
}

// Selected reports whether a member of this name is anywhere in a decoded answer and not null.
func Selected(answer any, name string) bool {
	switch v := answer.(type) {
	case map[string]any:
		for member, value := range v {
			if member == name && value != nil || Selected(value, name) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, func(member any) bool { return Selected(member, name) })
	}
	return false
}
