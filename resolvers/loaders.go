package resolvers

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/vikstrous/dataloadgen"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/sales/webhooks"
)

// loaderWait is how long the first call of a level waits for the others. A level of a list starts all its calls at once.
const loaderWait = 300 * time.Microsecond

// asking is whose calls are joined, and how long a call waits for others.
type asking struct {
	who  models.Principal
	wait time.Duration
}

// loaders join the calls that the fields of one level make into one call of a room. A set lives for one operation, so it
// belongs to one principal and never outlives its view of the data.
type loaders struct {
	partner             *dataloadgen.Loader[models.ID, models.Partner]
	customer            *dataloadgen.Loader[models.ID, models.Customer]
	order               *dataloadgen.Loader[models.ID, models.Order]
	resource            *dataloadgen.Loader[models.ID, models.Resource]
	association         *dataloadgen.Loader[models.ID, models.Association]
	accessConfiguration *dataloadgen.Loader[models.ID, models.AccessConfiguration]
	checklist           *dataloadgen.Loader[models.ID, []models.GoLiveStep]
	signingKeys         *dataloadgen.Loader[models.ID, []models.SigningKey]
	partnerBalance      *dataloadgen.Loader[models.ID, models.Balance]
	customerBalance     *dataloadgen.Loader[models.ID, models.Balance]
	partnerAlert        *dataloadgen.Loader[models.ID, models.BalanceAlert]
	customerAlert       *dataloadgen.Loader[models.ID, models.BalanceAlert]
	orderItems          *dataloadgen.Loader[models.ID, []models.OrderItem]
	orderResources      *dataloadgen.Loader[models.ID, []models.Resource]
	orderRefunds        *dataloadgen.Loader[models.ID, []models.OrderRefund]
	orderRefundInfos    *dataloadgen.Loader[models.ID, []models.RefundInfo]
	orderHold           *dataloadgen.Loader[models.ID, models.OrderHold]
	subResources        *dataloadgen.Loader[models.ID, []models.Resource]
	partnerPast         *pastLoader
	customerPast        *pastLoader
	partnerStatement    *filterLoader[funds.StatementFilter, models.StatementEntry]
	customerStatement   *filterLoader[funds.StatementFilter, models.StatementEntry]
	recharge            *dataloadgen.Loader[models.ID, models.Recharge]
	remittanceClaim     *dataloadgen.Loader[models.ID, models.RemittanceClaim]
	serviceProvider     *dataloadgen.Loader[models.ID, models.ServiceProvider]
	webhookEndpoint     *dataloadgen.Loader[models.ID, models.WebhookEndpoint]
	webhookDeliveries   *filterLoader[webhooks.DeliveryFilter, models.WebhookDelivery]
	customerTags        *dataloadgen.Loader[models.ID, []string]
	accountManager      *dataloadgen.Loader[models.ID, models.AccountManager]
	customerContacts    *dataloadgen.Loader[models.ID, []models.CustomerContact]
	customerBudget      *dataloadgen.Loader[models.ID, models.CustomerBudget]
	customerReport      *dataloadgen.Loader[models.ID, models.CustomerReport]
	invitation          *dataloadgen.Loader[models.ID, models.Invitation]
	associationRequest  *dataloadgen.Loader[models.ID, models.AssociationRequest]
	authorization       *dataloadgen.Loader[models.ID, models.Authorization]
	restrictions        *dataloadgen.Loader[models.ID, []models.CustomerRestriction]
	verification        *dataloadgen.Loader[models.ID, models.Verification]
	latestVerification  *dataloadgen.Loader[models.ID, models.Verification]
	associationAt       *dataloadgen.Loader[asked[time.Time], models.Association]
	identities          *dataloadgen.Loader[models.ID, []models.FederatedIdentity]
	bindNotifications   *pageLoader[models.BindNotification]
	resellers           *pageLoader[models.Partner]
	partnerCustomers    *pageLoader[models.Customer]
	partnerOrders       *pageLoader[models.Order]
	partnerStatements   *pageLoader[models.IncentiveStatement]
	customerOrders      *pageLoader[models.Order]
	customerResources   *pageLoader[models.Resource]
	associations        *pageLoader[models.Association]
	authorizations      *pageLoader[models.Authorization]
	statementLines      *pageLoader[models.IncentiveLine]
	serviceProviders    *pageLoader[models.ServiceProvider]
	cloudBindings       *pageLoader[models.CloudBinding]
	quote               *dataloadgen.Loader[models.ID, models.Quote]
	discount            *dataloadgen.Loader[models.ID, models.Discount]
	catalogueVersion    *dataloadgen.Loader[models.ID, models.CatalogueVersion]
}

type loadersKey struct{}

// WithLoaders puts a fresh set of loaders on the context of one operation. The set is made when a field asks for it: most
// mutations never do.
func (r *Resolver) WithLoaders(ctx context.Context) context.Context {
	who := r.Who(ctx)
	return context.WithValue(ctx, loadersKey{}, sync.OnceValue(func() *loaders { return r.newLoaders(who) }))
}

func (r *Resolver) newLoaders(who models.Principal) *loaders {
	by := asking{who, r.LoaderWait}
	if by.wait == 0 {
		by.wait = loaderWait
	}
	return &loaders{
		partner:             byID(by, r.Partners.ByIDs),
		customer:            byID(by, r.Customers.ByIDs),
		order:               byID(by, r.Orders.ByIDs),
		resource:            byID(by, r.Resources.ByIDs),
		association:         byID(by, r.Customers.AssociationsFor),
		accessConfiguration: byID(by, r.Exposure.ByPartnerIDs),
		checklist:           byID(by, r.Exposure.ChecklistsFor),
		signingKeys:         byID(by, r.Federation.SigningKeysFor),
		partnerBalance:      byID(by, r.Funds.PartnerBalances),
		customerBalance:     byID(by, r.Funds.CustomerBalances),
		partnerAlert:        byID(by, r.Funds.PartnerAlerts),
		customerAlert:       byID(by, r.Funds.CustomerAlerts),
		orderItems:          byID(by, r.Orders.ItemsFor),
		orderResources:      byID(by, r.Resources.FindForOrders),
		orderRefunds:        byID(by, r.Orders.RefundsFor),
		orderRefundInfos:    byID(by, r.Orders.RefundInfosFor),
		orderHold:           byID(by, r.Orders.HoldsByIDs),
		subResources:        byID(by, r.Resources.SubResourcesFor),
		partnerPast:         byMoment(by, r.Funds.PartnerBalancesAt),
		customerPast:        byMoment(by, r.Funds.CustomerBalancesAt),
		partnerStatement:    byFilter(by, r.Funds.PartnerStatements),
		customerStatement:   byFilter(by, r.Funds.CustomerStatements),
		recharge:            byID(by, r.Funds.RechargesByIDs),
		remittanceClaim:     byID(by, r.Funds.ClaimsByIDs),
		serviceProvider:     byID(by, r.Federation.ServiceProvidersByIDs),
		identities:          byID(by, r.Federation.IdentitiesFor),
		webhookEndpoint:     byID(by, r.Webhooks.ByIDs),
		webhookDeliveries:   byFilter(by, r.Webhooks.DeliveriesFor),
		customerTags:        byID(by, r.Customers.TagsFor),
		accountManager:      byID(by, r.Customers.ManagersFor),
		customerContacts:    byID(by, r.Customers.ContactsFor),
		customerBudget:      byID(by, r.Customers.BudgetsFor),
		customerReport:      byID(by, r.Customers.ReportsByIDs),
		invitation:          byID(by, r.Customers.InvitationsByIDs),
		associationRequest:  byID(by, r.Customers.RequestsByIDs),
		authorization:       byID(by, r.Customers.AuthorizationsByIDs),
		restrictions:        byID(by, r.Customers.RestrictionsFor),
		verification:        byID(by, r.Verifications.ByIDs),
		latestVerification:  byID(by, r.Verifications.LatestFor),
		associationAt: byQuestion(by, func(ctx context.Context, customers []models.ID, at time.Time) (map[models.ID]models.Association, error) {
			return r.Customers.AssociationsAt(ctx, who, customers, at)
		}),
		resellers:         byPage(by, r.Partners.FindResellersFor),
		partnerCustomers:  byPage(by, r.Customers.FindForPartners),
		partnerOrders:     byPage(by, r.Orders.FindForPartners),
		partnerStatements: byPage(by, r.Incentives.FindStatementsForPartners),
		customerOrders:    byPage(by, r.Orders.FindForCustomers),
		customerResources: byPage(by, r.Resources.FindForCustomers),
		associations:      byPage(by, r.Customers.HistoryFor),
		authorizations:    byPage(by, r.Customers.AuthorizationsFor),
		statementLines:    byPage(by, r.Incentives.FindLinesForStatements),
		serviceProviders:  byPage(by, r.Federation.FindServiceProvidersFor),
		cloudBindings:     byPage(by, r.Federation.FindCloudBindingsFor),
		bindNotifications: byPage(by, r.Federation.FindNotificationsForPartners),
		quote:             byID(by, r.Catalog.QuotesByIDs),
		discount:          byID(by, r.Catalog.DiscountsByIDs),
		catalogueVersion:  byID(by, r.Catalog.VersionsByIDs),
	}
}

func loadersOf(ctx context.Context) *loaders {
	set, ok := ctx.Value(loadersKey{}).(func() *loaders)
	if !ok {
		return nil
	}
	return set()
}

func byID[V any](by asking, fetch func(context.Context, models.Principal, []models.ID) (map[models.ID]V, error)) *dataloadgen.Loader[models.ID, V] {
	return dataloadgen.NewMappedLoader(func(ctx context.Context, ids []models.ID) (map[models.ID]V, error) {
		return fetch(ctx, by.who, ids)
	}, dataloadgen.WithWait(by.wait), dataloadgen.WithBatchCapacity(1000))
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
	loader *dataloadgen.Loader[pageKey, models.Connection[T]]
}

func (l *pageLoader[T]) load(ctx context.Context, parent models.ID, args models.PageArgs) (models.Connection[T], error) {
	if (args.First != nil && *args.First < 0) || (args.Last != nil && *args.Last < 0) {
		_, err := args.Page("")
		return models.Connection[T]{}, err
	}
	connection, err := l.loader.Load(ctx, keyOf(parent, args))
	// A list cannot be null, so refusing one would take the object around it along: it is empty, and not counted.
	if errors.Is(err, dataloadgen.ErrNotFound) || models.CodeOf(err) == models.CodeForbidden {
		return models.Connection[T]{}, nil
	}
	return connection, err
}

// byPage makes one call of the room per distinct page asked for, each with all the parents that ask for it.
func byPage[T any](by asking, fetch func(context.Context, models.Principal, []models.ID, models.PageArgs) (map[models.ID]models.Connection[T], error)) *pageLoader[T] {
	batch := func(ctx context.Context, keys []pageKey) (map[pageKey]models.Connection[T], error) {
		parents := map[pageKey][]models.ID{}
		for _, key := range keys {
			page := key
			page.parent = ""
			parents[page] = append(parents[page], key.parent)
		}
		found := make(map[pageKey]models.Connection[T], len(keys))
		for page, ids := range parents {
			connections, err := fetch(ctx, by.who, ids, page.args())
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
	return &pageLoader[T]{loader: dataloadgen.NewMappedLoader(batch, dataloadgen.WithWait(by.wait), dataloadgen.WithBatchCapacity(1000))}
}

// optional loads what may be absent or invisible: both are null without an error.
func optional[V any](ctx context.Context, loader *dataloadgen.Loader[models.ID, V], id models.ID) (*V, error) {
	if id == "" {
		return nil, nil
	}
	v, err := loader.Load(ctx, id)
	if errors.Is(err, dataloadgen.ErrNotFound) {
		return nil, nil
	}
	// What a credential may not read at all is null inside another object, where a root field refuses it.
	if models.CodeOf(err) == models.CodeForbidden {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &v, nil
}

// optionalAt is optional for what is asked about an instant.
func optionalAt[V any](ctx context.Context, loader *dataloadgen.Loader[asked[time.Time], V], id models.ID, at time.Time) (*V, error) {
	v, err := loader.Load(ctx, asked[time.Time]{id, at.UTC()})
	if errors.Is(err, dataloadgen.ErrNotFound) || models.CodeOf(err) == models.CodeForbidden {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &v, nil
}

// list loads a plain list that may be empty.
func list[V any](ctx context.Context, loader *dataloadgen.Loader[models.ID, []V], id models.ID) ([]V, error) {
	v, err := loader.Load(ctx, id)
	if errors.Is(err, dataloadgen.ErrNotFound) || models.CodeOf(err) == models.CodeForbidden {
		return nil, nil
	}
	return v, err
}

// must loads what a client asked for by id: NOT_FOUND when it is absent or invisible, INVALID when the id is of another
// kind.
func must[V any](ctx context.Context, loader *dataloadgen.Loader[models.ID, V], id models.ID, prefix, what string) (*V, error) {
	if err := id.Require(prefix, "id"); err != nil {
		return nil, err
	}
	v, err := loader.Load(ctx, id)
	if errors.Is(err, dataloadgen.ErrNotFound) {
		return nil, models.NotFound(what)
	}
	if err != nil {
		return nil, err
	}
	return &v, nil
}
