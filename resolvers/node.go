package resolvers

import (
	"context"
	"sync"

	"github.com/99designs/gqlgen/graphql"

	"github.com/partnergraph/partnergraph/models"
)

// maxNodes is how many ids nodes takes at once.
const maxNodes = 100

// node finds the object of any kind that an id names.
func (r *Resolver) node(ctx context.Context, id models.ID) (models.Node, error) {
	set := loadersOf(ctx)
	switch id.Prefix() {
	case models.PrefixPartner:
		return asNode(must(ctx, set.partner, id, models.PrefixPartner, "partner"))
	case models.PrefixCustomer:
		return asNode(must(ctx, set.customer, id, models.PrefixCustomer, "customer"))
	case models.PrefixOrder:
		return asNode(must(ctx, set.order, id, models.PrefixOrder, "order"))
	case models.PrefixOrderRefund:
		return asNode(r.orderRefund(ctx, id))
	case models.PrefixResource:
		return asNode(must(ctx, set.resource, id, models.PrefixResource, "resource"))
	case models.PrefixQuote:
		return asNode(must(ctx, set.quote, id, models.PrefixQuote, "quote"))
	case models.PrefixDiscount:
		return asNode(must(ctx, set.discount, id, models.PrefixDiscount, "discount"))
	case models.PrefixCoupon:
		return asNode(must(ctx, set.coupon, id, models.PrefixCoupon, "coupon"))
	case models.PrefixCouponQuota:
		return asNode(must(ctx, set.couponQuota, id, models.PrefixCouponQuota, "coupon quota"))
	case models.PrefixBillLine:
		return asNode(must(ctx, set.billLine, id, models.PrefixBillLine, "bill line"))
	case models.PrefixIncentiveStatement:
		return asNode(r.incentiveStatement(ctx, id))
	case models.PrefixBenefitApplication:
		return asNode(must(ctx, set.benefitApplication, id, models.PrefixBenefitApplication, "benefit application"))
	case models.PrefixAccessConfiguration:
		return asNode(r.accessConfiguration(ctx, id))
	case models.PrefixServiceProvider:
		return asNode(must(ctx, set.serviceProvider, id, models.PrefixServiceProvider, "service provider"))
	case models.PrefixBindNotification:
		return asNode(r.bindNotification(ctx, id))
	case models.PrefixTestLogin:
		return asNode(r.testLogin(ctx, id))
	case models.PrefixWithdrawal:
		return asNode(r.withdrawal(ctx, id))
	case models.PrefixRecharge:
		return asNode(must(ctx, set.recharge, id, models.PrefixRecharge, "recharge"))
	case models.PrefixRemittanceClaim:
		return asNode(must(ctx, set.remittanceClaim, id, models.PrefixRemittanceClaim, "remittance claim"))
	case models.PrefixRemittance:
		return asNode(r.remittance(ctx, id))
	case models.PrefixCustomerReport:
		return asNode(must(ctx, set.customerReport, id, models.PrefixCustomerReport, "customer report"))
	case models.PrefixInvitation:
		return asNode(must(ctx, set.invitation, id, models.PrefixInvitation, "invitation"))
	case models.PrefixAssociationRequest:
		return asNode(must(ctx, set.associationRequest, id, models.PrefixAssociationRequest, "association request"))
	case models.PrefixResellerUpgrade:
		return asNode(must(ctx, set.resellerUpgrade, id, models.PrefixResellerUpgrade, "reseller upgrade"))
	case models.PrefixCooperationRequest:
		return asNode(must(ctx, set.cooperationRequest, id, models.PrefixCooperationRequest, "cooperation request"))
	case models.PrefixAuthorization:
		return asNode(must(ctx, set.authorization, id, models.PrefixAuthorization, "authorisation"))
	case models.PrefixVerification:
		return asNode(must(ctx, set.verification, id, models.PrefixVerification, "verification"))
	case models.PrefixPayerAgreement:
		return asNode(r.payerAgreement(ctx, id))
	case models.PrefixWebhookEndpoint:
		return asNode(must(ctx, set.webhookEndpoint, id, models.PrefixWebhookEndpoint, "webhook endpoint"))
	case models.PrefixCertification:
		return asNode(r.commercialCertification(ctx, id))
	case models.PrefixPayout:
		return asNode(r.payoutRequest(ctx, id))
	case models.PrefixJob:
		return asNode(r.job(ctx, id))
	case models.PrefixWebhookDelivery:
		return asNode(r.webhookDelivery(ctx, id))
	}
	return nil, models.Invalid("id", "Objects of this kind cannot be looked up by id.")
}

func asNode[T models.Node](v *T, err error) (models.Node, error) {
	if err != nil {
		return nil, err
	}
	return *v, nil
}

func (r *Resolver) incentiveStatement(ctx context.Context, id models.ID) (*models.IncentiveStatement, error) {
	return oneOf(ctx, r, id, models.PrefixIncentiveStatement, "incentive statement", r.Incentives.StatementsByIDs)
}

func (r *Resolver) commercialCertification(ctx context.Context, id models.ID) (*models.CommercialCertification, error) {
	return oneOf(ctx, r, id, models.PrefixCertification, "certification", r.Payouts.CertificationsByIDs)
}

func (r *Resolver) payoutRequest(ctx context.Context, id models.ID) (*models.PayoutRequest, error) {
	return oneOf(ctx, r, id, models.PrefixPayout, "payout", r.Payouts.PayoutsByIDs)
}

func (r *Resolver) orderRefund(ctx context.Context, id models.ID) (*models.OrderRefund, error) {
	return oneOf(ctx, r, id, models.PrefixOrderRefund, "refund", r.Orders.RefundsByIDs)
}

func (r *Resolver) accessConfiguration(ctx context.Context, id models.ID) (*models.AccessConfiguration, error) {
	return oneOf(ctx, r, id, models.PrefixAccessConfiguration, "access configuration", r.Exposure.ByIDs)
}

func (r *Resolver) bindNotification(ctx context.Context, id models.ID) (*models.BindNotification, error) {
	return oneOf(ctx, r, id, models.PrefixBindNotification, "bind notification", r.Federation.NotificationsByIDs)
}

func (r *Resolver) testLogin(ctx context.Context, id models.ID) (*models.TestLogin, error) {
	return oneOf(ctx, r, id, models.PrefixTestLogin, "test login", r.Federation.TestLoginsByIDs)
}

func (r *Resolver) withdrawal(ctx context.Context, id models.ID) (*models.Withdrawal, error) {
	return oneOf(ctx, r, id, models.PrefixWithdrawal, "withdrawal", r.Funds.WithdrawalsByIDs)
}

func (r *Resolver) remittance(ctx context.Context, id models.ID) (*models.Remittance, error) {
	return oneOf(ctx, r, id, models.PrefixRemittance, "remittance", r.Funds.RemittancesByIDs)
}

func (r *Resolver) payerAgreement(ctx context.Context, id models.ID) (*models.PayerAgreement, error) {
	return oneOf(ctx, r, id, models.PrefixPayerAgreement, "payer agreement", r.Funds.AgreementsByIDs)
}

func (r *Resolver) webhookDelivery(ctx context.Context, id models.ID) (*models.WebhookDelivery, error) {
	return oneOf(ctx, r, id, models.PrefixWebhookDelivery, "webhook delivery", r.Webhooks.DeliveriesByIDs)
}

func (r *Resolver) job(ctx context.Context, id models.ID) (*models.Job, error) {
	return oneOf(ctx, r, id, models.PrefixJob, "job", r.Clock.ByIDs)
}

// oneOf looks up one object of a kind that no list joins by id, so that no loader has to wait for company.
func oneOf[V any](ctx context.Context, r *Resolver, id models.ID, prefix, what string,
	fetch func(context.Context, models.Principal, []models.ID) (map[models.ID]V, error),
) (*V, error) {
	if err := id.Require(prefix, "id"); err != nil {
		return nil, err
	}
	found, err := fetch(ctx, r.Who(ctx), []models.ID{id})
	if err != nil {
		return nil, err
	}
	v, ok := found[id]
	if !ok {
		return nil, models.NotFound(what)
	}
	return &v, nil
}

// nodes finds several objects; each that fails is null with an error of its own.
func (r *Resolver) nodes(ctx context.Context, ids []models.ID) ([]models.Node, error) {
	if len(ids) > maxNodes {
		return nil, models.Invalid("ids", "At most 100 ids at once.")
	}
	found := make([]models.Node, len(ids))
	var group sync.WaitGroup
	for i, id := range ids {
		group.Go(func() {
			at := graphql.WithPathContext(ctx, graphql.NewPathWithIndex(i))
			node, err := r.node(at, id)
			if err != nil {
				graphql.AddError(at, err)
				return
			}
			found[i] = node
		})
	}
	group.Wait()
	return found, nil
}

// viewerPartner is the partner that a principal belongs to, or that a customer is associated with.
func (r *Resolver) viewerPartner(ctx context.Context, who *models.Principal) (*models.Partner, error) {
	if who.CustomerID == "" {
		return optional(ctx, loadersOf(ctx).partner, who.PartnerID)
	}
	customer, err := optional(ctx, loadersOf(ctx).customer, who.CustomerID)
	if err != nil || customer == nil {
		return nil, err
	}
	return optional(ctx, loadersOf(ctx).partner, customer.PartnerID)
}
