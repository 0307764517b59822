package resolvers

import (
	"context"
	"errors"
	"time"

	"github.com/partnergraph/partnergraph/graph/plan"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/companies"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/sales/webhooks"
)

// loaders join the calls that the fields of one level make into one call of a room. What they have read lives in the batch of
// one operation, so it belongs to one principal and never outlives its view of the data.
type loaders struct {
	partner             *loader[models.ID, models.Partner]
	customer            *loader[models.ID, models.Customer]
	order               *loader[models.ID, models.Order]
	resource            *loader[models.ID, models.Resource]
	association         *loader[models.ID, models.Association]
	accessConfiguration *loader[models.ID, models.AccessConfiguration]
	checklist           *loader[models.ID, []models.GoLiveStep]
	signingKeys         *loader[models.ID, []models.SigningKey]
	partnerBalance      *loader[models.ID, models.Balance]
	customerBalance     *loader[funds.CustomerRow, models.Balance]
	partnerAlert        *loader[models.ID, models.BalanceAlert]
	customerAlert       *loader[models.ID, models.BalanceAlert]
	orderItems          *loader[models.ID, []models.OrderItem]
	orderResources      *loader[models.ID, []models.Resource]
	orderRefunds        *loader[models.ID, []models.OrderRefund]
	orderRefundInfos    *loader[models.ID, []models.RefundInfo]
	orderHold           *loader[models.ID, models.OrderHold]
	priceAdjustment     *loader[models.ID, models.PriceAdjustment]
	settlementAccount   *loader[models.ID, models.SettlementAccount]
	monthlySettlement   *loader[models.ID, models.MonthlySettlement]
	customerSettlements *pageLoader[models.MonthlySettlement]
	subResources        *loader[models.ID, []models.Resource]
	partnerPast         *pastLoader
	customerPast        *pastLoader
	partnerStatement    *filterLoader[funds.StatementFilter, models.StatementEntry]
	customerStatement   *filterLoader[funds.StatementFilter, models.StatementEntry]
	recharge            *loader[models.ID, models.Recharge]
	remittanceClaim     *loader[models.ID, models.RemittanceClaim]
	serviceProvider     *loader[models.ID, models.ServiceProvider]
	webhookEndpoint     *loader[models.ID, models.WebhookEndpoint]
	webhookDeliveries   *filterLoader[webhooks.DeliveryFilter, models.WebhookDelivery]
	customerTags        *loader[models.ID, []string]
	accountManager      *loader[models.ID, models.AccountManager]
	customerContacts    *loader[models.ID, []models.CustomerContact]
	customerBudget      *loader[models.ID, models.CustomerBudget]
	customerReport      *loader[models.ID, models.CustomerReport]
	invitation          *loader[models.ID, models.Invitation]
	associationRequest  *loader[models.ID, models.AssociationRequest]
	authorization       *loader[models.ID, models.Authorization]
	restrictions        *loader[models.ID, []models.CustomerRestriction]
	verification        *loader[models.ID, models.Verification]
	latestVerification  *loader[models.ID, models.Verification]
	associationAt       *loader[asked[time.Time], models.Association]
	identities          *loader[models.ID, []models.FederatedIdentity]
	bindNotifications   *pageLoader[models.BindNotification]
	resellers           *pageLoader[models.Partner]
	partnerCustomers    *pageLoader[models.Customer]
	partnerOrders       *pageLoader[models.Order]
	partnerStatements   *pageLoader[models.IncentiveStatement]
	customerOrders      *pageLoader[models.Order]
	customerResources   *pageLoader[models.Resource]
	customerPackages    *pageLoader[models.ResourcePackage]
	resourcePackage     *loader[models.ID, models.ResourcePackage]
	associations        *pageLoader[models.Association]
	authorizations      *pageLoader[models.Authorization]
	statementLines      *pageLoader[models.IncentiveLine]
	serviceProviders    *pageLoader[models.ServiceProvider]
	cloudBindings       *pageLoader[models.CloudBinding]
	quote               *loader[models.ID, models.Quote]
	discount            *loader[models.ID, models.Discount]
	catalogueVersion    *loader[models.ID, models.CatalogueVersion]
	coupon              *loader[models.ID, models.Coupon]
	couponQuota         *loader[models.ID, models.CouponQuota]
	couponWhitelist     *loader[models.ID, models.CouponWhitelist]
	customerCoupons     *pageLoader[models.Coupon]
	billLine            *loader[models.ID, models.BillLine]
	incentivePolicy     *loader[models.ID, models.IncentiveRule]
	incentiveStatement  *loader[models.ID, models.IncentiveStatement]
	certification       *loader[models.ID, models.CommercialCertification]
	payoutStatements    *loader[models.ID, []models.PayoutStatement]
	statementPayout     *loader[models.ID, models.PayoutRequest]
	statementCarry      *loader[models.ID, models.BillingCycle]
	payoutPreference    *loader[models.ID, models.PayoutPreference]
	benefitApplication  *loader[models.ID, models.BenefitApplication]
	benefitOrders       *loader[models.ID, []models.Order]
	brandVersion        *loader[models.ID, models.BrandVersion]
	transferItems       *loader[models.ID, []models.IncentiveTransferItem]
	staffScheme         *loader[models.ID, models.StaffScheme]
	staffMember         *loader[models.ID, models.StaffMember]
	staffPayment        *loader[models.ID, models.StaffPayment]
	schemeMembers       *loader[models.ID, []models.StaffMember]
	paymentMonths       *loader[models.ID, []models.StaffMonth]
	resellerUpgrade     *loader[models.ID, models.ResellerUpgrade]
	cooperationRequest  *loader[models.ID, models.CooperationRequest]
	resellerManager     *loader[models.ID, models.AccountManager]
	resellerManagers    *loader[models.ID, []models.ResellerManager]
	company             *loader[models.ID, models.Company]
	companyByKey        *loader[string, models.Company]
	companyStanding     *loader[customers.CompanyRef, customers.CompanyStanding]
	companyRelations    *pageLoader[models.CompanyRelation]
	companyFinancings   *pageLoader[models.FinancingRound]
	companyOfferings    *filterLoader[companies.OfferingFilter, models.CompanyOffering]
	companyRankings     *pageLoader[models.CompanyRanking]
	companyRights       *filterLoader[companies.RightFilter, models.IntellectualProperty]
	consumption         *dashboardLoader[models.ConsumptionSum]
	performance         *dashboardLoader[models.PerformanceSum]
}

// newLoaders makes the loaders of all operations.
func (r *Resolver) newLoaders() *loaders {
	var n slots
	return &loaders{
		partner:             byID(&n, r.Partners.ByIDs),
		customer:            byID(&n, shown(r.Customers.ByIDs)),
		order:               byID(&n, shown(r.Orders.ByIDs)),
		resource:            byID(&n, shown(r.Resources.ByIDs)),
		association:         byID(&n, r.Customers.AssociationsFor),
		accessConfiguration: byID(&n, r.Exposure.ByPartnerIDs),
		checklist:           byID(&n, r.Exposure.ChecklistsFor),
		signingKeys:         byID(&n, r.Federation.SigningKeysFor),
		partnerBalance:      byID(&n, r.Funds.PartnerBalances),
		customerBalance:     newLoader(&n, r.Funds.BalancesOfRows),
		partnerAlert:        byID(&n, r.Funds.PartnerAlerts),
		customerAlert:       byID(&n, r.Funds.CustomerAlerts),
		orderItems:          byID(&n, shown(r.Orders.ItemsFor)),
		orderResources:      byID(&n, shown(r.Resources.FindForOrders)),
		orderRefunds:        byID(&n, r.Orders.RefundsFor),
		orderRefundInfos:    byID(&n, r.Orders.RefundInfosFor),
		orderHold:           byID(&n, r.Orders.HoldsByIDs),
		priceAdjustment:     byID(&n, r.Orders.AdjustmentsByIDs),
		settlementAccount:   byID(&n, r.Settlements.AccountsFor),
		monthlySettlement:   byID(&n, r.Settlements.ByIDs),
		customerSettlements: byPage(&n, r.Settlements.FindForCustomers),
		subResources:        byID(&n, shown(r.Resources.SubResourcesFor)),
		partnerPast:         byMoment(&n, r.Funds.PartnerBalancesAt),
		customerPast:        byMoment(&n, r.Funds.CustomerBalancesAt),
		partnerStatement:    byFilter(&n, r.Funds.PartnerStatements),
		customerStatement:   byFilter(&n, r.Funds.CustomerStatements),
		recharge:            byID(&n, r.Funds.RechargesByIDs),
		remittanceClaim:     byID(&n, r.Funds.ClaimsByIDs),
		serviceProvider:     byID(&n, r.Federation.ServiceProvidersByIDs),
		identities:          byID(&n, r.Federation.IdentitiesFor),
		webhookEndpoint:     byID(&n, r.Webhooks.ByIDs),
		webhookDeliveries:   byFilter(&n, r.Webhooks.DeliveriesFor),
		customerTags:        byID(&n, r.Customers.TagsFor),
		accountManager:      byID(&n, r.Customers.ManagersFor),
		customerContacts:    byID(&n, r.Customers.ContactsFor),
		customerBudget:      byID(&n, r.Customers.BudgetsFor),
		customerReport:      byID(&n, r.Customers.ReportsByIDs),
		invitation:          byID(&n, r.Customers.InvitationsByIDs),
		associationRequest:  byID(&n, r.Customers.RequestsByIDs),
		authorization:       byID(&n, r.Customers.AuthorizationsByIDs),
		restrictions:        byID(&n, r.Customers.RestrictionsFor),
		verification:        byID(&n, r.Verifications.ByIDs),
		latestVerification:  byID(&n, r.Verifications.LatestFor),
		associationAt:       byQuestion(&n, r.Customers.AssociationsAt),
		resellers:           byPage(&n, r.Partners.FindResellersFor),
		partnerCustomers:    byPage(&n, shownPages(r.Customers.FindForPartners)),
		partnerOrders:       byPage(&n, shownPages(r.Orders.FindForPartners)),
		partnerStatements:   byPage(&n, r.Incentives.FindStatementsForPartners),
		customerOrders:      byPage(&n, shownPages(r.Orders.FindForCustomers)),
		customerResources:   byPage(&n, shownPages(r.Resources.FindForCustomers)),
		customerPackages:    byPage(&n, r.Packages.FindForCustomers),
		resourcePackage:     byID(&n, r.Packages.ByIDs),
		associations:        byPage(&n, r.Customers.HistoryFor),
		authorizations:      byPage(&n, r.Customers.AuthorizationsFor),
		statementLines:      byPage(&n, r.Incentives.FindLinesForStatements),
		serviceProviders:    byPage(&n, r.Federation.FindServiceProvidersFor),
		cloudBindings:       byPage(&n, r.Federation.FindCloudBindingsFor),
		bindNotifications:   byPage(&n, r.Federation.FindNotificationsForPartners),
		quote:               byID(&n, r.Catalog.QuotesByIDs),
		discount:            byID(&n, r.Catalog.DiscountsByIDs),
		catalogueVersion:    byID(&n, r.Catalog.VersionsByIDs),
		coupon:              byID(&n, r.Coupons.ByIDs),
		couponQuota:         byID(&n, r.Coupons.QuotasByIDs),
		couponWhitelist:     byID(&n, r.Coupons.WhitelistsFor),
		customerCoupons:     byPage(&n, r.Coupons.FindForCustomers),
		billLine:            byID(&n, r.Billing.LinesByIDs),
		incentivePolicy:     byID(&n, r.Incentives.PoliciesByIDs),
		incentiveStatement:  byID(&n, r.Incentives.StatementsByIDs),
		certification:       byID(&n, r.Payouts.CertificationsByIDs),
		payoutStatements:    byID(&n, r.Payouts.PartsFor),
		statementPayout:     byID(&n, r.Payouts.PayoutsFor),
		statementCarry:      byID(&n, r.Payouts.CarriesFor),
		payoutPreference:    byID(&n, r.Payouts.PreferencesFor),
		benefitApplication:  byID(&n, r.Benefits.ByIDs),
		benefitOrders:       byID(&n, r.Benefits.OrdersFor),
		brandVersion:        byID(&n, r.Brands.ByIDs),
		transferItems:       byID(&n, r.Incentives.ItemsFor),
		staffScheme:         byID(&n, r.Staff.SchemesByIDs),
		staffMember:         byID(&n, r.Staff.MembersByIDs),
		staffPayment:        byID(&n, r.Staff.PaymentsByIDs),
		schemeMembers:       byID(&n, r.Staff.MembersFor),
		paymentMonths:       byID(&n, r.Staff.MonthsFor),
		resellerUpgrade:     byID(&n, r.Partners.UpgradesByIDs),
		cooperationRequest:  byID(&n, r.Partners.CooperationRequestsByIDs),
		resellerManager:     byID(&n, r.Partners.ManagersFor),
		resellerManagers:    byID(&n, r.Partners.ManagerHistoryFor),
		company:             byID(&n, r.Companies.ByIDs),
		companyByKey:        newLoader(&n, r.Companies.ByKeys),
		companyStanding:     newLoader(&n, r.Customers.StandingsOf),
		companyRelations:    byPage(&n, r.Companies.RelationsFor),
		companyFinancings:   byPage(&n, r.Companies.FinancingsFor),
		companyOfferings:    byFilter(&n, r.Companies.OfferingsFor),
		companyRankings:     byPage(&n, r.Companies.RankingsFor),
		companyRights:       byFilter(&n, r.Companies.RightsFor),
		consumption:         byDashboard(&n, r.Billing.Dashboards),
		performance:         byDashboard(&n, r.Incentives.Dashboards),
	}
}

func byID[V any](n *slots, fetch fetch[models.ID, V]) *loader[models.ID, V] {
	return newLoader(n, fetch)
}

// pageKey is one parent's page; two fields that ask for different pages of the same parent do not meet.
type pageKey struct {
	parent        models.ID
	first, last   int // -1 = not given
	after, before string
	total         bool
}

func keyOf(parent models.ID, args models.PageArgs) pageKey {
	key := pageKey{parent: parent, first: -1, last: -1, total: args.WantTotal}
	if args.First != nil {
		key.first = *args.First
	}
	if args.Last != nil {
		key.last = *args.Last
	}
	if args.After != nil {
		key.after = *args.After
	}
	if args.Before != nil {
		key.before = *args.Before
	}
	return key
}

func (k pageKey) args() models.PageArgs {
	args := models.PageArgs{WantTotal: k.total}
	if k.first >= 0 {
		args.First = &k.first
	}
	if k.last >= 0 {
		args.Last = &k.last
	}
	if k.after != "" {
		args.After = &k.after
	}
	if k.before != "" {
		args.Before = &k.before
	}
	return args
}

type pageLoader[T any] struct {
	loader *loader[pageKey, models.Connection[T]]
}

func (l *pageLoader[T]) load(ctx context.Context, parent models.ID, args models.PageArgs) (models.Connection[T], error) {
	if (args.First != nil && *args.First < 0) || (args.Last != nil && *args.Last < 0) {
		_, err := args.Page("")
		return models.Connection[T]{}, err
	}
	connection, err := l.loader.Load(ctx, keyOf(parent, args))
	// A list cannot be null, so refusing one would take the object around it along: it is empty, and not counted.
	if absent(err) {
		return models.Connection[T]{}, nil
	}
	return connection, err
}

// byPage makes one call of the room per distinct page asked for, each with all the parents that ask for it.
func byPage[T any](n *slots, fetch pages[T]) *pageLoader[T] {
	batch := func(ctx context.Context, who models.Principal, keys []pageKey) (map[pageKey]models.Connection[T], error) {
		parents := map[pageKey][]models.ID{}
		for _, key := range keys {
			page := key
			page.parent = ""
			parents[page] = append(parents[page], key.parent)
		}
		found := make(map[pageKey]models.Connection[T], len(keys))
		for page, ids := range parents {
			connections, err := fetch(ctx, who, ids, page.args())
			if err != nil {
				return nil, err
			}
			for id, connection := range connections {
				key := page
				key.parent = id
				found[key] = connection
			}
		}
		return found, nil
	}
	return &pageLoader[T]{loader: newLoader(n, batch)}
}

// absent says whether an error stands for nothing inside another object: what is not there or invisible, and what a credential
// may not read at all, where a root field refuses it.
func absent(err error) bool {
	if err == nil || err == plan.ErrPending { //nolint:errorlint // it is never wrapped, and this is asked for every row
		return false
	}
	return errors.Is(err, errNotFound) || models.CodeOf(err) == models.CodeForbidden
}

// optional loads what may be absent or invisible: both are null without an error.
func optional[K comparable, V any](ctx context.Context, from *loader[K, V], key K) (*V, error) {
	if key == *new(K) {
		return nil, nil
	}
	v, err := from.Load(ctx, key)
	if absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &v, nil
}

// optionalAt is optional for what is asked about an instant.
func optionalAt[V any](ctx context.Context, from *loader[asked[time.Time], V], id models.ID, at time.Time) (*V, error) {
	v, err := from.Load(ctx, asked[time.Time]{id, at.UTC()})
	if absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &v, nil
}

// list loads a plain list that may be empty.
func list[V any](ctx context.Context, from *loader[models.ID, []V], id models.ID) ([]V, error) {
	v, err := from.Load(ctx, id)
	if absent(err) {
		return nil, nil
	}
	return v, err
}

// must loads what a client asked for by id: NOT_FOUND when it is absent or invisible, INVALID when the id is of another
// kind.
func must[V any](ctx context.Context, from *loader[models.ID, V], id models.ID, prefix, what string) (*V, error) {
	if err := id.Require(prefix, "id"); err != nil {
		return nil, err
	}
	v, err := from.Load(ctx, id)
	if errors.Is(err, errNotFound) {
		return nil, models.NotFound(what)
	}
	if err != nil {
		return nil, err
	}
	return &v, nil
}
