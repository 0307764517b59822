package apitest

import (
	"maps"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/examples/catalogue"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/catalog"
	"github.com/partnergraph/partnergraph/sales/clock"
	"github.com/partnergraph/partnergraph/sales/federation"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/sales/orders"
	"github.com/partnergraph/partnergraph/sales/resources"
	"github.com/partnergraph/partnergraph/sales/webhooks"
)

func amountOf(minor int64) decimal.Decimal { return decimal.New(minor, -2) }

func exposureCalls(site string) calls {
	const distributor = 1 // whose platform nothing else changes
	provider := func(t *testing.T, w *World) models.ID {
		t.Helper()
		address, name := site, w.tag()
		saved, err := w.Federation.RegisterServiceProvider(t.Context(), w.who, federation.RegisterServiceProvider{
			PartnerID: w.Distributors[distributor].Partner.ID, Name: name, MetadataURL: &address,
		})
		must(t, err)
		return saved.ServiceProvider.ID
	}
	partner := func(more map[string]any) func(_ *testing.T, _ *Server, w *World) Call {
		return func(_ *testing.T, _ *Server, w *World) Call {
			o := w.Distributors[distributor]
			input := map[string]any{"partnerId": o.Partner.ID}
			maps.Copy(input, more)
			return Call{o.Key, input}
		}
	}
	next := func(t *testing.T, w *World, o *Org) models.ID { // what its platform publishes beside the key that signs
		t.Helper()
		var id models.ID
		must(t, w.DB.NewSelect().Model((*models.SigningKey)(nil)).Column("id").Where("platform_id = ? AND state = ?", o.PlatformID, models.KeyNext).
			Scan(t.Context(), &id))
		return id
	}
	return calls{
		"updateAccessConfiguration": partner(map[string]any{"orderPaidUrl": "https://distributor1.example.com/audited"}),
		"rotateReturnSecret":        partner(nil),
		"checkAttachmentBucket": partner(map[string]any{"bucket": map[string]any{
			"name": "theirs", "endpoint": "https://s3.example.com", "region": "r", "accessKey": "a", "secretKey": "s",
		}}),
		"createTestLogin": partner(nil),
		"resendBindNotification": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.Distributors[0].Key, map[string]any{"bindNotificationId": w.toldOf(t, w.Distributors[0].Resale)}}
		},
		"unbindIdentity": func(_ *testing.T, _ *Server, w *World) Call {
			return Call{w.Distributors[distributor].Key, map[string]any{"identityId": w.Distributors[distributor].Resale.Identity}}
		},
		"registerServiceProvider": func(t *testing.T, _ *Server, w *World) Call {
			o := w.Distributors[distributor]
			return Call{o.Key, map[string]any{"partnerId": o.Partner.ID, "name": "audited", "metadata": ProviderMetadata(t, "https://audited.example.com")}}
		},
		"updateServiceProvider": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.Distributors[distributor].Key, map[string]any{"serviceProviderId": w.Distributors[distributor].ProviderID, "name": "renamed"}}
		},
		"refreshServiceProviderMetadata": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.Distributors[distributor].Key, map[string]any{"serviceProviderId": provider(t, w)}}
		},
		"removeServiceProvider": func(t *testing.T, _ *Server, w *World) Call {
			var id models.ID
			must(t, w.DB.NewSelect().Model((*models.ServiceProvider)(nil)).Column("id").Where("partner_id = ?", w.Providers[1].Partner.ID).Limit(1).Scan(t.Context(), &id))
			return Call{w.Providers[1].Key, map[string]any{"serviceProviderId": id}}
		},
		"createSignInTicket": func(_ *testing.T, _ *Server, w *World) Call {
			o := w.Providers[0]
			return Call{o.Key, map[string]any{"customerId": o.Resale.Customer.ID}}
		},
		"publishNextSigningKey": func(t *testing.T, _ *Server, w *World) Call {
			o := w.Providers[1]
			_, err := w.Federation.Retire(t.Context(), w.who, federation.RetireSigningKey{SigningKeyID: next(t, w, o)})
			must(t, err)
			return Call{o.Key, map[string]any{"partnerId": o.Partner.ID, "algorithm": "ECDSA_P256"}}
		},
		"activateNextSigningKey": func(t *testing.T, _ *Server, w *World) Call {
			o := w.Distributors[distributor]
			return Call{o.Key, map[string]any{"signingKeyId": next(t, w, o), "force": true}}
		},
		"retireSigningKey": func(t *testing.T, _ *Server, w *World) Call {
			o := w.Distributors[0]
			return Call{o.Key, map[string]any{"signingKeyId": next(t, w, o)}}
		},
	}
}

// toldOf is the newest notification of a customer's binding.
func (w *World) toldOf(t *testing.T, b *Buyer) (id models.ID) {
	t.Helper()
	must(t, w.DB.NewSelect().Model((*models.BindNotification)(nil)).Column("id").Where("customer_id = ?", b.Customer.ID).Order("id DESC").Limit(1).
		Scan(t.Context(), &id))
	return id
}

func identityCalls() calls {
	fresh := func(t *testing.T, w *World) models.ID {
		t.Helper()
		return w.key(t.Context(), t, identity.CreateKey{Name: "audited", PartnerID: &w.Providers[0].Partner.ID}).APIKey.ID
	}
	return calls{
		"createApiKey": func(_ *testing.T, _ *Server, w *World) Call {
			return Call{w.Providers[0].Key, map[string]any{"name": "audited", "scopes": []string{"ORDERS_READ"}}}
		},
		"rotateApiKey": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.Providers[0].Key, map[string]any{"apiKeyId": fresh(t, w)}}
		},
		"revokeApiKey": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.Providers[0].Key, map[string]any{"apiKeyId": fresh(t, w)}}
		},
		"revokeSession": func(t *testing.T, _ *Server, w *World) Call {
			var id models.ID
			must(t, w.DB.NewSelect().Model((*models.Session)(nil)).Column("id").Where("user_id = ?", w.Distributors[0].Person).Scan(t.Context(), &id))
			return Call{w.OperatorKey, map[string]any{"sessionId": id}}
		},
		"revokeAllSessions": func(_ *testing.T, _ *Server, w *World) Call {
			return Call{w.OperatorKey, map[string]any{"userId": w.Distributors[1].Person}}
		},
	}
}

func webhookCalls() calls {
	endpoint := func(t *testing.T, w *World) models.ID {
		t.Helper()
		made, err := w.Webhooks.Create(t.Context(), selfOf(w.Providers[0]), webhooks.CreateWebhookEndpoint{
			URL: "https://audited.example.com/", EventTypes: []string{string(models.EventOrderHoldReleased)},
		})
		must(t, err)
		return made.WebhookEndpoint.ID
	}
	of := func(more map[string]any) func(t *testing.T, _ *Server, w *World) Call {
		return func(t *testing.T, _ *Server, w *World) Call {
			input := map[string]any{"endpointId": endpoint(t, w)}
			maps.Copy(input, more)
			return Call{w.Providers[0].Key, input}
		}
	}
	return calls{
		"createWebhookEndpoint": func(_ *testing.T, _ *Server, w *World) Call {
			return Call{w.Providers[0].Key, map[string]any{"url": "https://audited.example.com/", "eventTypes": []string{"order.*"}}}
		},
		"updateWebhookEndpoint": of(map[string]any{"url": "https://audited.example.com/changed"}),
		"deleteWebhookEndpoint": of(nil),
		"rotateWebhookSecret":   of(nil),
		"sendTestWebhook":       of(nil),
		"replayWebhookEvents": func(t *testing.T, _ *Server, w *World) Call {
			made, err := w.Webhooks.Create(t.Context(), selfOf(w.Providers[0]), webhooks.CreateWebhookEndpoint{
				URL: "https://audited.example.com/", EventTypes: []string{"order.*"},
			})
			must(t, err)
			return Call{w.Providers[0].Key, map[string]any{"endpointId": made.WebhookEndpoint.ID, "since": "2026-11-10T08:00:00Z"}}
		},
		"replayWebhookDelivery": func(t *testing.T, _ *Server, w *World) Call {
			sent, err := w.Webhooks.SendTest(t.Context(), selfOf(w.Providers[0]), webhooks.SendTestWebhook{EndpointID: endpoint(t, w)})
			must(t, err)
			id := sent.WebhookDelivery.ID
			_, err = w.DB.NewUpdate().Model((*models.WebhookDelivery)(nil)).Set("state = ?", models.WebhookFailed).Where("id = ?", id).Exec(t.Context())
			must(t, err)
			return Call{w.Providers[0].Key, map[string]any{"deliveryId": id}}
		},
	}
}

// moneyCalls are those about money that move none.
func moneyCalls() calls {
	started := func(t *testing.T, w *World) (*Buyer, models.ID) {
		t.Helper()
		b := w.lone(t)
		made, err := w.Funds.StartRecharge(t.Context(), w.as(b), funds.StartRecharge{Amount: amountOf(100), Method: models.RechargeBankTransfer, IdempotencyKey: "start"})
		must(t, err)
		return b, made.Recharge.ID
	}
	return calls{
		"setBalanceAlert": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.lone(t).Key, map[string]any{"threshold": "12.00", "enabled": true}}
		},
		"removeBalanceAlert": func(t *testing.T, _ *Server, w *World) Call {
			b := w.lone(t)
			_, err := w.Funds.SetBalanceAlert(t.Context(), w.as(b), funds.SetBalanceAlert{Threshold: amountOf(1200), Enabled: true})
			must(t, err)
			return Call{b.Key, map[string]any{}}
		},
		"createPayerAgreement": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.lone(t).Key, map[string]any{"payerName": "Audited", "validFrom": "2026-11-10T00:00:00Z", "validUntil": "2027-11-10T00:00:00Z"}}
		},
		"voidPayerAgreement": func(t *testing.T, _ *Server, w *World) Call {
			b := w.lone(t)
			made, err := w.Funds.CreatePayerAgreement(t.Context(), w.as(b), funds.CreatePayerAgreement{
				PayerName: "Audited", ValidFrom: w.Now(), ValidUntil: w.Now().AddDate(1, 0, 0),
			})
			must(t, err)
			return Call{b.Key, map[string]any{"payerAgreementId": made.PayerAgreement.ID}}
		},
		"failRecharge": func(t *testing.T, _ *Server, w *World) Call {
			_, id := started(t, w)
			return Call{w.OperatorKey, map[string]any{"rechargeId": id, "reason": "audit"}}
		},
		"cancelRecharge": func(t *testing.T, _ *Server, w *World) Call {
			b, id := started(t, w)
			return Call{b.Key, map[string]any{"rechargeId": id}}
		},
		"exportStatement": func(_ *testing.T, _ *Server, w *World) Call { return Call{w.Providers[0].Key, map[string]any{}} },
		"deleteRejectedWithdrawal": func(t *testing.T, _ *Server, w *World) Call {
			b, made := w.withdrawing(t, models.WithdrawalReviewing)
			code, text := models.RejectedOther, "audit"
			_, err := w.Funds.ReviewWithdrawal(t.Context(), w.who, funds.ReviewWithdrawal{
				WithdrawalID: made.ID, Decision: models.RejectReview, RejectionCode: &code, ReasonText: &text, IdempotencyKey: w.tag(),
			})
			must(t, err)
			return Call{b.Key, map[string]any{"withdrawalId": made.ID}}
		},
		"restrictWithdrawals": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.OperatorKey, map[string]any{"customerId": w.lone(t).Customer.ID, "reason": "CONTRACT_FORBIDS_REFUND", "note": "audit"}}
		},
		"liftWithdrawalRestriction": func(t *testing.T, _ *Server, w *World) Call {
			id := w.lone(t).Customer.ID
			made, err := w.Funds.RestrictWithdrawals(t.Context(), w.who, funds.RestrictWithdrawals{
				CustomerID: &id, Reason: models.RestrictContract, Note: "audit",
			})
			must(t, err)
			return Call{w.OperatorKey, map[string]any{"restrictionId": made.Restriction.ID}}
		},
	}
}

func catalogueCalls() calls {
	product := func(more map[string]any) []map[string]any {
		one := map[string]any{
			"productId": "1", "serviceType": "hws.service.type.ec2", "resourceType": "hws.resource.type.vm", "specCode": "s6.large.2.linux", "region": "cn-north-4",
		}
		maps.Copy(one, more)
		return []map[string]any{one}
	}
	return calls{
		"loadCatalogue": func(_ *testing.T, _ *Server, w *World) Call {
			return Call{w.OperatorKey, map[string]any{"content": strings.Replace(catalogue.JSON, "example-1", "audited-1", 1)}}
		},
		"grantDiscount": func(t *testing.T, _ *Server, w *World) Call {
			b := w.single(t, models.Resale)
			return Call{b.Owner.Key, map[string]any{"customerId": b.Customer.ID, "kind": "PARTNER_RATE", "mode": "RATE", "value": "0.5"}}
		},
		"endDiscount": func(t *testing.T, _ *Server, w *World) Call {
			b := w.single(t, models.Resale)
			made, err := w.Catalog.Grant(t.Context(), selfOf(b.Owner), catalog.GrantDiscount{
				CustomerID: b.Customer.ID, Kind: models.DiscountPartnerRate, Mode: models.DiscountRate, Value: decimal.New(9, -1),
			})
			must(t, err)
			return Call{b.Owner.Key, map[string]any{"discountId": made.Discount.ID}}
		},
		"quotePurchase": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.single(t, models.Resale).Key, map[string]any{"products": product(map[string]any{"periodType": "MONTH", "periodCount": 1})}}
		},
		"quoteOnDemand": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.single(t, models.Resale).Key, map[string]any{
				"products": product(map[string]any{"usageType": "duration", "usageValue": "1", "usageMeasureId": 4}),
			}}
		},
		"quoteChange": func(t *testing.T, _ *Server, w *World) Call {
			b := w.Providers[1].Resale
			return Call{b.Key, map[string]any{"resourceId": w.mains(t, b)[0], "specCode": "s6.xlarge.2.linux"}}
		},
		"quoteToPeriod": func(t *testing.T, _ *Server, w *World) Call {
			b := w.Providers[1].Resale
			return Call{b.Key, map[string]any{"resourceIds": []models.ID{w.ByUse(t, b)}, "periodType": "MONTH", "periodCount": 1}}
		},
		"quoteRenewal": func(t *testing.T, _ *Server, w *World) Call {
			b := w.Distributors[0].Resale
			return Call{b.Key, map[string]any{"resourceIds": w.mains(t, b), "periodType": "MONTH", "periodCount": 1}}
		},
	}
}

// ByUse has the first main resource of a customer charged by use, and returns it.
func (w *World) ByUse(t *testing.T, b *Buyer) models.ID {
	t.Helper()
	id := w.mains(t, b)[0]
	must(t, w.Orders.ToPayPerUse(t.Context(), id))
	must(t, w.DeliverOutbox(t.Context()))
	return id
}

// mains are the main resources of a customer.
func (w *World) mains(t *testing.T, b *Buyer) (ids []models.ID) {
	t.Helper()
	must(t, w.DB.NewSelect().Model((*models.Resource)(nil)).Column("id").Where("customer_id = ? AND parent_id IS NULL AND resource_type = 'hws.resource.type.vm'", b.Customer.ID).Order("id").
		Scan(t.Context(), &ids))
	return ids
}

func orderCalls() calls {
	bill := func(t *testing.T, w *World) (*Buyer, models.ID) {
		t.Helper()
		b := w.Empty(t, w.Providers[0], w.tag())
		return b, w.Bills(t, b, 1)[0].ID
	}
	return calls{
		"cancelOrder": func(t *testing.T, _ *Server, w *World) Call {
			b, id := bill(t, w)
			return Call{b.Key, map[string]any{"orderId": id}}
		},
		"chooseOrderDiscount": func(t *testing.T, _ *Server, w *World) Call {
			b := w.Empty(t, w.Providers[0], w.tag())
			_, err := w.Catalog.Grant(t.Context(), selfOf(b.Owner), catalog.GrantDiscount{
				CustomerID: b.Customer.ID, Kind: models.DiscountPartnerRate, Mode: models.DiscountRate, Value: decimal.New(9, -1),
			})
			must(t, err)
			quoted, err := w.Catalog.Purchase(t.Context(), w.as(b), catalog.QuotePurchase{Products: []catalog.PurchaseProduct{ServerProduct()}})
			must(t, err)
			placed, err := w.Orders.PlaceQuoted(t.Context(), w.as(b), orders.PlaceFromQuote{CustomerID: b.Customer.ID, QuoteID: quoted.Quote.ID, IdempotencyKey: "choose"})
			must(t, err)
			return Call{b.Key, map[string]any{"orderId": placed.Order.ID, "discountId": nil}}
		},
		"requestPartnerPayment": func(t *testing.T, _ *Server, w *World) Call {
			b, id := bill(t, w)
			return Call{b.Key, map[string]any{"orderId": id}}
		},
		"setOrderReview": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.OperatorKey, map[string]any{"customerId": w.single(t, models.Resale).Customer.ID, "reason": "audit"}}
		},
		"reviewOrder": func(t *testing.T, _ *Server, w *World) Call {
			b, why := w.Empty(t, w.Providers[0], w.tag()), "audit"
			_, err := w.Orders.SetReview(t.Context(), w.who, orders.SetOrderReview{CustomerID: b.Customer.ID, Reason: &why})
			must(t, err)
			quoted, err := w.Catalog.Purchase(t.Context(), w.as(b), catalog.QuotePurchase{Products: []catalog.PurchaseProduct{ServerProduct()}})
			must(t, err)
			placed, err := w.Orders.PlaceQuoted(t.Context(), w.as(b), orders.PlaceFromQuote{CustomerID: b.Customer.ID, QuoteID: quoted.Quote.ID, IdempotencyKey: "review"})
			must(t, err)
			return Call{w.OperatorKey, map[string]any{"orderId": placed.Order.ID, "approve": true}}
		},
	}
}

// resourceCalls are those of what runs and of jobs, each on the server of another customer.
func resourceCalls() calls {
	main := func(t *testing.T, w *World, b *Buyer) models.ID {
		t.Helper()
		return w.mains(t, b)[0]
	}
	job := func(t *testing.T, w *World) models.ID {
		t.Helper()
		var n int64
		must(t, w.DB.NewSelect().Table("river_job").Column("id").Where("state = 'scheduled'").Order("id").Limit(1).Scan(t.Context(), &n))
		return models.IDFromNumber(models.PrefixJob, n)
	}
	return calls{
		"setAutoRenewal": func(t *testing.T, _ *Server, w *World) Call {
			b := w.Distributors[0].Advisory
			return Call{b.Key, map[string]any{"resourceId": main(t, w, b), "times": 3}}
		},
		"cancelAutoRenewal": func(t *testing.T, _ *Server, w *World) Call {
			b := w.Distributors[1].Advisory
			id := main(t, w, b)
			_, err := w.Resources.SetAutoRenewal(t.Context(), w.as(b), resources.SetAutoRenewal{ResourceID: id, Times: 3})
			must(t, err)
			return Call{b.Key, map[string]any{"resourceId": id}}
		},
		"setExpirePolicy": func(t *testing.T, _ *Server, w *World) Call {
			b := w.Resellers[0].Advisory
			return Call{b.Key, map[string]any{"resourceIds": []models.ID{main(t, w, b)}, "policy": "DELETE"}}
		},
		"setToPayPerUse": func(t *testing.T, _ *Server, w *World) Call {
			b := w.Resellers[1].Advisory
			return Call{b.Key, map[string]any{"resourceIds": []models.ID{main(t, w, b)}, "action": "SET_UP"}}
		},
		"freezeResource": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.OperatorKey, map[string]any{"resourceId": main(t, w, w.Resellers[0].Resale), "reason": "audit"}}
		},
		"unfreezeResource": func(t *testing.T, _ *Server, w *World) Call {
			id := main(t, w, w.Resellers[1].Resale)
			_, err := w.Resources.Freeze(t.Context(), operatorOf(w), resources.FreezeResource{ResourceID: id, Reason: "audit"})
			must(t, err)
			return Call{w.OperatorKey, map[string]any{"resourceId": id}}
		},
		"cancelJob": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.OperatorKey, map[string]any{"jobId": job(t, w)}}
		},
		"rerunJob": func(t *testing.T, _ *Server, w *World) Call {
			id := job(t, w)
			_, err := w.Clock.Cancel(t.Context(), operatorOf(w), clock.JobCommand{JobID: id})
			must(t, err)
			return Call{w.OperatorKey, map[string]any{"jobId": id}}
		},
	}
}

// operatorOf is the operator's key as the rooms know it.
func operatorOf(w *World) models.Principal {
	return models.Principal{Kind: models.Operator, KeyID: w.OperatorKeyID, RequestID: "test", Permissions: models.DefaultPermissions(models.Operator, "")}
}
