package resolvers

import (
	"context"
	"sync"

	"github.com/99designs/gqlgen/graphql"

	"github.com/partnergraph/partnergraph/models"
)

// maxNodes is how many ids nodes takes at once.
const maxNodes = 100

// nodeKinds say how the object that an id of each prefix names is found.
var nodeKinds = map[string]func(ctx context.Context, r *Resolver, id models.ID) (models.Node, error){
	models.PrefixPartner: func(ctx context.Context, _ *Resolver, id models.ID) (models.Node, error) {
		return asNode(must(ctx, loadersOf(ctx).partner, id, models.PrefixPartner, "partner"))
	},
	models.PrefixCustomer: func(ctx context.Context, _ *Resolver, id models.ID) (models.Node, error) {
		return asNode(must(ctx, loadersOf(ctx).customer, id, models.PrefixCustomer, "customer"))
	},
	models.PrefixOrder: func(ctx context.Context, _ *Resolver, id models.ID) (models.Node, error) {
		return asNode(must(ctx, loadersOf(ctx).order, id, models.PrefixOrder, "order"))
	},
	models.PrefixOrderRefund: func(ctx context.Context, r *Resolver, id models.ID) (models.Node, error) {
		return asNode(r.orderRefund(ctx, id))
	},
	models.PrefixResource: func(ctx context.Context, _ *Resolver, id models.ID) (models.Node, error) {
		return asNode(must(ctx, loadersOf(ctx).resource, id, models.PrefixResource, "resource"))
	},
	models.PrefixQuote: func(ctx context.Context, _ *Resolver, id models.ID) (models.Node, error) {
		return asNode(must(ctx, loadersOf(ctx).quote, id, models.PrefixQuote, "quote"))
	},
	models.PrefixDiscount: func(ctx context.Context, _ *Resolver, id models.ID) (models.Node, error) {
		return asNode(must(ctx, loadersOf(ctx).discount, id, models.PrefixDiscount, "discount"))
	},
	models.PrefixCoupon: func(ctx context.Context, _ *Resolver, id models.ID) (models.Node, error) {
		return asNode(must(ctx, loadersOf(ctx).coupon, id, models.PrefixCoupon, "coupon"))
	},
	models.PrefixCouponQuota: func(ctx context.Context, _ *Resolver, id models.ID) (models.Node, error) {
		return asNode(must(ctx, loadersOf(ctx).couponQuota, id, models.PrefixCouponQuota, "coupon quota"))
	},
	models.PrefixBillLine: func(ctx context.Context, _ *Resolver, id models.ID) (models.Node, error) {
		return asNode(must(ctx, loadersOf(ctx).billLine, id, models.PrefixBillLine, "bill line"))
	},
	models.PrefixIncentiveStatement: func(ctx context.Context, r *Resolver, id models.ID) (models.Node, error) {
		return asNode(r.incentiveStatement(ctx, id))
	},
	models.PrefixMonthlySettlement: func(ctx context.Context, _ *Resolver, id models.ID) (models.Node, error) {
		return asNode(must(ctx, loadersOf(ctx).monthlySettlement, id, models.PrefixMonthlySettlement, "month on account"))
	},
	models.PrefixBenefitApplication: func(ctx context.Context, _ *Resolver, id models.ID) (models.Node, error) {
		return asNode(must(ctx, loadersOf(ctx).benefitApplication, id, models.PrefixBenefitApplication, "benefit application"))
	},
	models.PrefixBrandVersion: func(ctx context.Context, _ *Resolver, id models.ID) (models.Node, error) {
		return asNode(must(ctx, loadersOf(ctx).brandVersion, id, models.PrefixBrandVersion, "brand version"))
	},
	models.PrefixIncentiveTransfer: func(ctx context.Context, r *Resolver, id models.ID) (models.Node, error) {
		return asNode(r.incentiveTransfer(ctx, id))
	},
	models.PrefixStaffScheme: func(ctx context.Context, _ *Resolver, id models.ID) (models.Node, error) {
		return asNode(must(ctx, loadersOf(ctx).staffScheme, id, models.PrefixStaffScheme, "staff scheme"))
	},
	models.PrefixStaffPayment: func(ctx context.Context, _ *Resolver, id models.ID) (models.Node, error) {
		return asNode(must(ctx, loadersOf(ctx).staffPayment, id, models.PrefixStaffPayment, "staff payment"))
	},
	models.PrefixAccessConfiguration: func(ctx context.Context, r *Resolver, id models.ID) (models.Node, error) {
		return asNode(r.accessConfiguration(ctx, id))
	},
	models.PrefixServiceProvider: func(ctx context.Context, _ *Resolver, id models.ID) (models.Node, error) {
		return asNode(must(ctx, loadersOf(ctx).serviceProvider, id, models.PrefixServiceProvider, "service provider"))
	},
	models.PrefixBindNotification: func(ctx context.Context, r *Resolver, id models.ID) (models.Node, error) {
		return asNode(r.bindNotification(ctx, id))
	},
	models.PrefixTestLogin: func(ctx context.Context, r *Resolver, id models.ID) (models.Node, error) {
		return asNode(r.testLogin(ctx, id))
	},
	models.PrefixWithdrawal: func(ctx context.Context, r *Resolver, id models.ID) (models.Node, error) {
		return asNode(r.withdrawal(ctx, id))
	},
	models.PrefixRecharge: func(ctx context.Context, _ *Resolver, id models.ID) (models.Node, error) {
		return asNode(must(ctx, loadersOf(ctx).recharge, id, models.PrefixRecharge, "recharge"))
	},
	models.PrefixRemittanceClaim: func(ctx context.Context, _ *Resolver, id models.ID) (models.Node, error) {
		return asNode(must(ctx, loadersOf(ctx).remittanceClaim, id, models.PrefixRemittanceClaim, "remittance claim"))
	},
	models.PrefixRemittance: func(ctx context.Context, r *Resolver, id models.ID) (models.Node, error) {
		return asNode(r.remittance(ctx, id))
	},
	models.PrefixCustomerReport: func(ctx context.Context, _ *Resolver, id models.ID) (models.Node, error) {
		return asNode(must(ctx, loadersOf(ctx).customerReport, id, models.PrefixCustomerReport, "customer report"))
	},
	models.PrefixCompany: func(ctx context.Context, _ *Resolver, id models.ID) (models.Node, error) {
		return asNode(must(ctx, loadersOf(ctx).company, id, models.PrefixCompany, "company"))
	},
	models.PrefixResourcePackage: func(ctx context.Context, _ *Resolver, id models.ID) (models.Node, error) {
		return asNode(must(ctx, loadersOf(ctx).resourcePackage, id, models.PrefixResourcePackage, "resource package"))
	},
	models.PrefixInvitation: func(ctx context.Context, _ *Resolver, id models.ID) (models.Node, error) {
		return asNode(must(ctx, loadersOf(ctx).invitation, id, models.PrefixInvitation, "invitation"))
	},
	models.PrefixAssociationRequest: func(ctx context.Context, _ *Resolver, id models.ID) (models.Node, error) {
		return asNode(must(ctx, loadersOf(ctx).associationRequest, id, models.PrefixAssociationRequest, "association request"))
	},
	models.PrefixResellerUpgrade: func(ctx context.Context, _ *Resolver, id models.ID) (models.Node, error) {
		return asNode(must(ctx, loadersOf(ctx).resellerUpgrade, id, models.PrefixResellerUpgrade, "reseller upgrade"))
	},
	models.PrefixCooperationRequest: func(ctx context.Context, _ *Resolver, id models.ID) (models.Node, error) {
		return asNode(must(ctx, loadersOf(ctx).cooperationRequest, id, models.PrefixCooperationRequest, "cooperation request"))
	},
	models.PrefixAuthorization: func(ctx context.Context, _ *Resolver, id models.ID) (models.Node, error) {
		return asNode(must(ctx, loadersOf(ctx).authorization, id, models.PrefixAuthorization, "authorisation"))
	},
	models.PrefixVerification: func(ctx context.Context, _ *Resolver, id models.ID) (models.Node, error) {
		return asNode(must(ctx, loadersOf(ctx).verification, id, models.PrefixVerification, "verification"))
	},
	models.PrefixPayerAgreement: func(ctx context.Context, r *Resolver, id models.ID) (models.Node, error) {
		return asNode(r.payerAgreement(ctx, id))
	},
	models.PrefixWebhookEndpoint: func(ctx context.Context, _ *Resolver, id models.ID) (models.Node, error) {
		return asNode(must(ctx, loadersOf(ctx).webhookEndpoint, id, models.PrefixWebhookEndpoint, "webhook endpoint"))
	},
	models.PrefixCertification: func(ctx context.Context, r *Resolver, id models.ID) (models.Node, error) {
		return asNode(r.commercialCertification(ctx, id))
	},
	models.PrefixPayout: func(ctx context.Context, r *Resolver, id models.ID) (models.Node, error) {
		return asNode(r.payoutRequest(ctx, id))
	},
	models.PrefixJob: func(ctx context.Context, r *Resolver, id models.ID) (models.Node, error) {
		return asNode(r.job(ctx, id))
	},
	models.PrefixWebhookDelivery: func(ctx context.Context, r *Resolver, id models.ID) (models.Node, error) {
		return asNode(r.webhookDelivery(ctx, id))
	},
}

// node finds the object of any kind that an id names.
func (r *Resolver) node(ctx context.Context, id models.ID) (models.Node, error) {
	find, known := nodeKinds[id.Prefix()]
	if !known {
		return nil, models.Invalid("id", "Objects of this kind cannot be looked up by id.")
	}
	return find(ctx, r, id)
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

func (r *Resolver) incentiveTransfer(ctx context.Context, id models.ID) (*models.IncentiveTransfer, error) {
	return oneOf(ctx, r, id, models.PrefixIncentiveTransfer, "incentive transfer", r.Incentives.TransfersByIDs)
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
