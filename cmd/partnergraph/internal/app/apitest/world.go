package apitest

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/sales/exposure"
	"github.com/partnergraph/partnergraph/sales/federation"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/sales/orders"
	"github.com/partnergraph/partnergraph/sales/partners"
	"github.com/partnergraph/partnergraph/sales/webhooks"
	"github.com/partnergraph/partnergraph/saml/samltest"
)

// Org is a partner of the world with what belongs to it.
type Org struct {
	Tag        string // part of every text it has, and of nobody else's
	Partner    models.Partner
	Parent     *Org // a reseller's distributor
	Key        string
	KeyID      models.ID
	PlatformID string    // empty for resellers
	ProviderID models.ID // the cloud that its platform signs people in to; empty for resellers
	Person     models.ID // signed in; empty for resellers
	Resale     *Buyer
	Advisory   *Buyer
	ManagerID  models.ID // the person who looks after both
	Quota      models.CouponQuota
}

// Buyer is a customer of the world.
type Buyer struct {
	Tag      string
	Customer models.Customer
	Owner    *Org
	Key      string
	KeyID    models.ID
	Paid     models.Order       // delivered, with a server and its disk
	Refund   models.OrderRefund // of a part of it
	Waiting  models.Order       // to be paid; the money suffices
	Dear     models.Order       // to be paid; the money does not suffice
	Person   models.ID          // the user of Identity
	Identity models.ID          // the binding of its person to the partner's platform; empty below a reseller
	Coupon   models.Coupon      // of a resale customer, which paid for an order
}

// World is two of everything, so that each has a stranger of its own kind.
type World struct {
	*app.Rooms
	Distributors, Resellers, Providers [2]*Org
	OperatorKey                        string
	OperatorKeyID                      models.ID
	ExpiredKey, RevokedKey             string // both once the second provider's
	texts                              map[string]models.ID
	amounts                            map[string]string      // to what they tell: an id, or balance:id
	alsoTell                           map[string][]models.ID // amounts that several things tell
	events                             map[models.ID]models.Event
	owners                             map[models.ID]holder
	transfers                          map[models.ID][]models.ID // to the owners of the accounts that each touched
	who                                models.Principal
	serial, step, arrivals             int64
	withdrawn                          int64 // how many withdrawals there are
	budgeted                           int64 // how many budgets there are
	requested                          int64 // how many requests to the market development fund there are
	vouched                            int64 // how many amounts of coupons and quotas there are
	paidOut                            int64 // how many payouts there are
	dedicated                          int64 // how many schemes of dedicated staff there are
	persons                            int64 // how many people of theirs there are
	handed                             int64 // how many statements went to another account
	lined                              int64 // how many customers bought on account
	twins                              []*Org
}

// Orgs returns all partners.
func (w *World) Orgs() []*Org {
	return []*Org{w.Distributors[0], w.Resellers[0], w.Distributors[1], w.Resellers[1], w.Providers[0], w.Providers[1]}
}

// Buyers returns all customers.
func (w *World) Buyers() []*Buyer {
	var all []*Buyer
	for _, org := range w.Orgs() {
		all = append(all, org.Resale, org.Advisory)
	}
	return all
}

// Build makes the world through the rooms' own operations.
func Build(t *testing.T, s *Server) *World {
	t.Helper()
	w := &World{
		Rooms: s.App.Rooms, texts: map[string]models.ID{}, amounts: map[string]string{}, alsoTell: map[string][]models.ID{}, who: models.SystemPrincipal("test"), serial: 100,
	}
	ctx := t.Context()
	w.Partners.Performance = soldEnough{}
	w.stock(ctx, t)
	w.inform(ctx, t)
	for i := range 2 {
		w.Distributors[i] = w.org(ctx, t, models.Distributor, fmt.Sprintf("distributor%d", i), nil)
		w.Resellers[i] = w.org(ctx, t, models.CloudReseller, fmt.Sprintf("reseller%d", i), w.Distributors[i])
		w.Providers[i] = w.org(ctx, t, models.SolutionProvider, fmt.Sprintf("provider%d", i), nil)
	}
	w.bindings(ctx, t)
	must(t, w.DeliverOutbox(ctx))
	w.packed(ctx, t)
	w.used(ctx, t)
	w.nameResources(ctx, t)
	operator := w.key(ctx, t, identity.CreateKey{Name: "operator"})
	w.OperatorKey, w.OperatorKeyID = operator.Secret, operator.APIKey.ID
	w.voidKeys(ctx, t, s.Clock)
	w.index(ctx, t)
	return w
}

func (w *World) org(ctx context.Context, t *testing.T, kind models.PartnerKind, tag string, parent *Org) *Org {
	t.Helper()
	o := &Org{Tag: tag, Parent: parent}
	cmd := partners.CreatePartner{
		Kind: kind, Name: tag + " name", Level: models.LevelLeading, Country: "CN", SigningEntity: "Cloud", Currency: models.CNY,
		ExternalID: tag + "-ext", Cloud: w.Cloud,
	}
	if parent != nil {
		cmd.ParentID = &parent.Partner.ID
	}
	var err error
	o.Partner, err = w.Partners.Create(ctx, w.who, cmd)
	must(t, err)
	w.text(tag+" name", o.Partner.ID)
	w.text(tag+"-ext", o.Partner.ID)
	key := w.key(ctx, t, identity.CreateKey{Name: tag + " key", PartnerID: &o.Partner.ID})
	o.Key, o.KeyID = key.Secret, key.APIKey.ID
	w.text(tag+" key", o.KeyID)
	if parent != nil {
		w.cooperate(ctx, t, o) // while it has no money to go back
	}
	w.Move(t, models.TransferRecharge, 50_000_000+w.next(), w.world(), Cash(models.OwnerPartner, o.Partner.ID))
	w.known(ctx, t, o)
	o.Resale = w.Buyer(t, o, tag+"-resale", models.Resale)
	o.Advisory = w.Buyer(t, o, tag+"-advisory", models.Advisory)
	w.alerts(ctx, t, o)
	w.manage(ctx, t, o)
	w.withdrawals(ctx, t, o)
	w.prospects(ctx, t, o)
	w.acts(ctx, t, o)
	w.vouchers(ctx, t, o)
	if kind.HasExposure() {
		w.recharges(ctx, t, tag, selfOf(o))
		w.recharges(ctx, t, o.Advisory.Tag, w.as(o.Advisory))
		w.expose(ctx, t, o)
		w.federate(ctx, t, o)
		w.statement(ctx, t, o)
		w.payouts(ctx, t, o)
		w.benefits(ctx, t, o)
		w.staffed(ctx, t, o)
		if kind == models.SolutionProvider {
			w.handedOn(ctx, t, o)
		}
		w.webhook(ctx, t, o)
		w.brand(ctx, t, o)
	}
	return o
}

// alerts gives the partner and its customers an alert each, at an amount of its own.
func (w *World) alerts(ctx context.Context, t *testing.T, o *Org) {
	t.Helper()
	self := models.Principal{
		Kind: models.PartnerKey, PartnerID: o.Partner.ID, PartnerKind: o.Partner.Kind, KeyID: o.KeyID, RequestID: "test",
		Permissions: models.DefaultPermissions(models.PartnerKey, o.Partner.Kind),
	}
	set := func(who models.Principal, customer *models.ID) {
		_, err := w.Funds.SetBalanceAlert(ctx, who, funds.SetBalanceAlert{CustomerID: customer, Threshold: decimal.New(5_000+w.next(), -2), Enabled: true})
		must(t, err)
	}
	set(self, nil)
	set(self, &o.Resale.Customer.ID)
	set(w.as(o.Advisory), nil)
}

// withdrawals lets whoever may withdraw ask for an amount of its own: the partner, and its advisory customer to a card.
func (w *World) withdrawals(ctx context.Context, t *testing.T, o *Org) {
	t.Helper()
	submit := func(who models.Principal, owner ledger.AccountSpec) {
		w.withdrawn++
		minor := 4_100_003 + 7_919*w.withdrawn                    // of its own: taking part in next would move every amount after it
		w.Move(t, models.TransferRecall, minor, w.world(), owner) // what has no original route goes to a card
		_, err := w.Funds.SubmitWithdrawal(ctx, who, funds.SubmitWithdrawal{
			Amount: decimal.New(minor, -2), Route: models.BankCardRoute, IdempotencyKey: "withdrawal",
			BankCard: &funds.BankCard{Holder: o.Tag + " holder", Number: fmt.Sprintf("622202%010d", minor), Bank: o.Tag + " bank"},
		})
		must(t, err)
	}
	if o.Parent == nil {
		submit(models.Principal{
			Kind: models.PartnerKey, PartnerID: o.Partner.ID, PartnerKind: o.Partner.Kind, KeyID: o.KeyID, RequestID: "test",
			Permissions: models.DefaultPermissions(models.PartnerKey, o.Partner.Kind),
		}, Cash(models.OwnerPartner, o.Partner.ID))
	}
	submit(w.as(o.Advisory), Cash(models.OwnerCustomer, o.Advisory.Customer.ID))
}

// Buyer makes a customer with money, an order that was paid, delivered and refunded in part, one to pay, and one that is too dear.
func (w *World) Buyer(t *testing.T, owner *Org, tag string, mode models.AssociationMode) *Buyer {
	t.Helper()
	ctx := t.Context()
	b := &Buyer{Tag: tag, Owner: owner}
	phone := fmt.Sprintf("0086-1380000%04d", w.next())
	var err error
	b.Customer, err = w.Customers.Create(ctx, w.who, customers.CreateCustomer{
		Name: tag + "-account", Kind: models.Enterprise, PartnerID: owner.Partner.ID, Mode: mode, RealName: tag + " Limited",
		Email: tag + "@example.com", Phone: phone, ExternalID: tag + "-ext",
	})
	must(t, err)
	id := b.Customer.ID
	for _, text := range []string{tag + "-account", tag + " Limited", tag + "@example.com", tag + "-ext", phone} {
		w.text(text, id)
	}
	from := Cash(models.OwnerPartner, owner.Partner.ID)
	kind := models.TransferFund
	if mode == models.Advisory { // it contracts with the cloud and puts its own money in
		from, kind = w.world(), models.TransferRecharge
	}
	w.Move(t, kind, 1_000_000+w.next(), from, Cash(models.OwnerCustomer, id))
	key := w.key(ctx, t, identity.CreateKey{Name: tag + " key", CustomerID: &id})
	b.Key, b.KeyID = key.Secret, key.APIKey.ID
	w.text(tag+" key", b.KeyID)
	w.wishes(ctx, t, b) // before it has orders to pay, which would keep it
	w.verification(ctx, t, b)
	b.Paid = w.Place(t, b, tag+"-paid", 20_000)
	w.onAccount(ctx, t, b, func() {
		_, err = w.Orders.Pay(ctx, w.as(b), orders.PayOrder{OrderID: b.Paid.ID, IdempotencyKey: tag})
		must(t, err)
	})
	amount := models.NewMoney(b.Paid.TotalMinor/3, models.CNY).Amount()
	done, err := w.Orders.Refund(ctx, w.who, orders.RefundOrder{OrderID: b.Paid.ID, Amount: &amount, Reason: "test", IdempotencyKey: tag})
	must(t, err)
	b.Refund = done.Refund
	b.Waiting = w.Place(t, b, tag+"-waiting", 30_000)
	b.Dear = w.Place(t, b, tag+"-dear", 900_000_000)
	w.sellAt(ctx, t, b)
	w.priced(ctx, t, b)
	return b
}

// Place places an order of a server and its disk for a customer.
func (w *World) Place(t *testing.T, b *Buyer, external string, minor int64) models.Order {
	t.Helper()
	order, err := w.Orders.Place(t.Context(), w.who, orders.PlaceOrder{
		CustomerID: b.Customer.ID, Source: models.PlacedByCustomer, ExternalID: external, Items: []orders.PlaceItem{{
			ServiceType: "hws.service.type.ec2", ResourceType: "hws.resource.type.vm", SpecCode: "s6.large.2.linux", Region: "cn-north-4",
			Quantity: 1, PeriodType: models.PeriodMonth, PeriodCount: 1, AmountMinor: minor + w.next(),
			Parts: []orders.PlaceItem{{
				ServiceType: "hws.service.type.ebs", ResourceType: "hws.resource.type.volume", SpecCode: "SSD", Region: "cn-north-4",
				Quantity: 1, AmountMinor: minor/10 + w.next(),
			}},
		}},
	})
	must(t, err)
	w.text(external, order.ID)
	w.text(order.Number, order.ID)
	return order
}

func (w *World) as(b *Buyer) models.Principal {
	return models.Principal{
		Kind: models.CustomerUser, CustomerID: b.Customer.ID, KeyID: b.KeyID, RequestID: "test",
		Permissions: models.DefaultPermissions(models.CustomerUser, ""),
	}
}

func (w *World) key(ctx context.Context, t *testing.T, cmd identity.CreateKey) identity.CreatedKey {
	t.Helper()
	key, err := w.Identity.CreateKey(ctx, w.who, cmd)
	must(t, err)
	return key
}

// KeyWithout makes a key of the partner that lacks one permission.
func (w *World) KeyWithout(t *testing.T, o *Org, permission models.Permission) string {
	t.Helper()
	var scopes []models.Permission
	for _, p := range models.DefaultPermissions(models.PartnerKey, o.Partner.Kind) {
		if p != permission {
			scopes = append(scopes, p)
		}
	}
	return w.key(t.Context(), t, identity.CreateKey{Name: "narrow", PartnerID: &o.Partner.ID, Scopes: scopes}).Secret
}

// nameResources gives every resource a key of the storefront's, for which there is no operation yet.
func (w *World) nameResources(ctx context.Context, t *testing.T) {
	t.Helper()
	var resources []models.Resource
	must(t, w.DB.NewSelect().Model(&resources).Scan(ctx))
	for _, r := range resources {
		_, err := w.DB.NewUpdate().Model((*models.Resource)(nil)).Set("external_id = ?", w.ResourceKey(r.ID)).Where("id = ?", r.ID).Exec(ctx)
		must(t, err)
	}
}

func (w *World) voidKeys(ctx context.Context, t *testing.T, clock *Clock) {
	t.Helper()
	until := clock.Now().Add(time.Minute)
	id := w.Providers[1].Partner.ID
	expired := w.key(ctx, t, identity.CreateKey{Name: "provider1 expired", PartnerID: &id, ExpiresAt: &until})
	revoked := w.key(ctx, t, identity.CreateKey{Name: "provider1 revoked", PartnerID: &id})
	clock.Advance(2 * time.Minute)
	_, err := w.Identity.RevokeKey(ctx, w.who, identity.RevokeKey{APIKeyID: revoked.APIKey.ID})
	must(t, err)
	w.ExpiredKey, w.RevokedKey = expired.Secret, revoked.Secret
}

func (w *World) expose(ctx context.Context, t *testing.T, o *Org) {
	t.Helper()
	o.PlatformID = o.Tag + "_IDP"
	site := "https://" + o.Tag + ".example.com"
	metadata := Metadata(t, site)
	urls := map[string]string{}
	for _, name := range []string{"bind", "paid", "recharge"} {
		urls[name] = site + "/" + name
	}
	upload := true
	bind, paid, recharge := urls["bind"], urls["paid"], urls["recharge"]
	saved, err := w.Exposure.Update(ctx, w.who, exposure.UpdateAccessConfiguration{
		PartnerID: o.Partner.ID, PlatformID: &o.PlatformID, IDPMetadata: &metadata, BindNotificationURL: &bind, OrderPaidURL: &paid,
		AttachmentUpload: &upload, OrderRechargeURL: &recharge, AllowedOrigins: []string{site}, AllowedServices: []string{site + "/welcome"},
	})
	must(t, err)
	w.text(o.PlatformID, saved.AccessConfiguration.ID)
	w.text(site, saved.AccessConfiguration.ID)
	w.provider(ctx, t, o)
	// ECDSA keys, because they are made at once.
	_, err = w.Federation.EnsureECKey(ctx, o.PlatformID)
	must(t, err)
	algorithm := models.KeyECDSAP256
	_, err = w.Federation.PublishNext(ctx, w.who, federation.PublishNextSigningKey{PartnerID: o.Partner.ID, Algorithm: &algorithm})
	must(t, err)
	w.person(ctx, t, o)
}

// provider registers a cloud at the platform.
func (w *World) provider(ctx context.Context, t *testing.T, o *Org) {
	t.Helper()
	site, name, bpID := "https://cloud."+o.Tag+".example.com", o.Tag+" cloud", o.Tag+"-bp"
	metadata, login := ProviderMetadata(t, site), site+"/login"
	saved, err := w.Federation.RegisterServiceProvider(ctx, w.who, federation.RegisterServiceProvider{
		PartnerID: o.Partner.ID, Name: name, Metadata: &metadata, BPID: &bpID, LoginURL: &login,
	})
	must(t, err)
	o.ProviderID = saved.ServiceProvider.ID
	for _, text := range []string{name, bpID, site, login} {
		w.text(text, o.ProviderID)
	}
}

// bindings lets every platform's cloud tell of every customer that the platform serves.
func (w *World) bindings(ctx context.Context, t *testing.T) {
	t.Helper()
	for _, b := range w.Buyers() {
		platform := b.Owner
		if platform.Parent != nil {
			platform = platform.Parent
		}
		domain := b.Tag + "-domain"
		_, err := w.Federation.RecordCloudBinding(ctx, federation.CloudNotice{
			PlatformID: platform.PlatformID, ServiceProviderID: platform.ProviderID, XAccountID: string(b.Customer.ID), XUserID: b.Tag + "-person",
			DomainID: domain + "-id", DomainName: domain,
		})
		must(t, err)
		for _, text := range []string{domain, domain + "-id", b.Tag + "-person"} {
			w.text(text, b.Customer.ID)
		}
	}
}

// ProviderMetadata is a service provider's, with its addresses under site.
func ProviderMetadata(t *testing.T, site string) string {
	t.Helper()
	return fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?>
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="%s">
<md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data>
<ds:X509Certificate>%s</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="%s/slo"/>
<md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="%s/acs" index="0" isDefault="true"/>
</md:SPSSODescriptor></md:EntityDescriptor>`, site, base64.StdEncoding.EncodeToString(samltest.EC(t, "sp").Cert.Raw), site, site)
}

// person is one of the partner's people, with a browser signed in.
func (w *World) person(ctx context.Context, t *testing.T, o *Org) {
	t.Helper()
	user, err := w.Identity.CreateUser(ctx, w.who, identity.CreateUser{LoginName: o.Tag + "-person", PartnerID: &o.Partner.ID})
	must(t, err)
	now := w.Now().UTC().Truncate(time.Microsecond)
	token := sha256.Sum256([]byte(o.Tag))
	session := models.Session{
		ID: w.Rooms.IDs(models.PrefixSession), TokenHash: token[:], UserID: user.ID, Method: "password", CreatedAt: now, LastSeenAt: now,
		ExpiresAt: now.Add(time.Hour), IdleTimeoutSecs: 3600,
	}
	_, err = w.DB.NewInsert().Model(&session).Exec(ctx)
	must(t, err)
	o.Person = user.ID
}

// webhook gives the partner an endpoint with a test message that waits. It asks for what no test does, so that none has
// deliveries to think of.
func (w *World) webhook(ctx context.Context, t *testing.T, o *Org) {
	t.Helper()
	site, called := "https://hooks."+o.Tag+".example.com/", o.Tag+" hooks"
	made, err := w.Webhooks.Create(ctx, w.who, webhooks.CreateWebhookEndpoint{
		PartnerID: &o.Partner.ID, URL: site, Description: &called, EventTypes: []string{string(models.EventOrderHoldReleased)},
	})
	must(t, err)
	w.text(site, made.WebhookEndpoint.ID)
	w.text(called, made.WebhookEndpoint.ID)
	_, err = w.Webhooks.SendTest(ctx, w.who, webhooks.SendTestWebhook{EndpointID: made.WebhookEndpoint.ID})
	must(t, err)
}

// Metadata is an identity provider's, with its addresses under site.
func Metadata(t *testing.T, site string) string {
	t.Helper()
	return fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?>
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="%s/idp">
<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data>
<ds:X509Certificate>%s</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="%s/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>`,
		site, base64.StdEncoding.EncodeToString(samltest.EC(t, "idp").Cert.Raw), site)
}

func (w *World) statement(ctx context.Context, t *testing.T, o *Org) {
	t.Helper()
	rate := decimal.RequireFromString("0.08")
	performance := 700_000 + 100*w.next()
	line := models.IncentiveLine{
		ServiceType: "hws.service.type.ec2", CustomerID: o.Resale.Customer.ID, Currency: models.CNY, PerformanceMinor: performance, Rate: rate,
		AmountMinor: models.IncentiveAmountMinor(performance, rate),
	}
	must(t, w.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, _, err := w.Incentives.Put(ctx, tx, models.IncentiveStatement{
			PartnerID: o.Partner.ID, Period: "2026-10", Status: models.StatementToConfirm, Currency: models.CNY,
			PerformanceMinor: performance, TotalMinor: line.AmountMinor,
		}, []models.IncentiveLine{line})
		return err
	}))
}

// Cash is the balance account of an owner.
func Cash(kind models.OwnerKind, id models.ID) ledger.AccountSpec {
	var floor int64
	return ledger.AccountSpec{OwnerKind: kind, OwnerID: string(id), Kind: models.AccountBalance, Asset: string(models.CNY), Floor: &floor}
}

func (w *World) world() ledger.AccountSpec {
	return ledger.AccountSpec{OwnerKind: models.OwnerCloud, OwnerID: w.Cloud, Kind: models.AccountWorld, Asset: string(models.CNY)}
}

// Move moves money between two accounts.
func (w *World) Move(t *testing.T, kind models.TransferKind, minor int64, from, to ledger.AccountSpec) (moved models.Transfer) {
	t.Helper()
	must(t, w.DB.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
		source, err := w.Ledger.Open(ctx, tx, from)
		if err != nil {
			return err
		}
		target, err := w.Ledger.Open(ctx, tx, to)
		if err != nil {
			return err
		}
		moved, _, err = w.Ledger.Post(ctx, tx, w.who, ledger.Posting{Kind: kind, Reason: "test", Legs: []ledger.Leg{
			{AccountID: source.ID, AmountMinor: -minor}, {AccountID: target.ID, AmountMinor: minor},
		}})
		return err
	}))
	return moved
}

// next makes every amount of the world its own, and, by growing ever faster, most differences of two as well.
func (w *World) next() int64 {
	w.step += 2
	w.serial += w.step
	return w.serial
}

func (w *World) text(text string, tells models.ID) { w.texts[strings.ToLower(text)] = tells }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("apitest: %v", err)
	}
}

// Empty makes a resale customer of the partner with money and nothing else.
func (w *World) Empty(t *testing.T, owner *Org, tag string) *Buyer {
	t.Helper()
	ctx := t.Context()
	b := &Buyer{Tag: tag, Owner: owner}
	var err error
	b.Customer, err = w.Customers.Create(ctx, w.who, customers.CreateCustomer{Name: tag, Kind: models.Enterprise, PartnerID: owner.Partner.ID, Mode: models.Resale})
	must(t, err)
	w.Move(t, models.TransferFund, 1_000_000+w.next(), Cash(models.OwnerPartner, owner.Partner.ID), Cash(models.OwnerCustomer, b.Customer.ID))
	key := w.key(ctx, t, identity.CreateKey{Name: tag + " key", CustomerID: &b.Customer.ID})
	b.Key, b.KeyID = key.Secret, key.APIKey.ID
	return b
}

// Pay pays an order and lets it be delivered.
func (w *World) Pay(t *testing.T, b *Buyer, cmd orders.PayOrder) {
	t.Helper()
	_, err := w.Orders.Pay(t.Context(), w.as(b), cmd)
	must(t, err)
	must(t, w.DeliverOutbox(t.Context()))
}

// CustomersOf lists the customers of a partner as they are now.
func (w *World) CustomersOf(t *testing.T, o *Org) []models.Customer {
	t.Helper()
	most := models.MaxPageSize
	found, err := w.Customers.Find(t.Context(), w.who, customers.CustomerFilter{PartnerID: &o.Partner.ID}, models.PageArgs{First: &most})
	must(t, err)
	return found.Nodes()
}

// PlaceUntil is Place with a deadline for the payment.
func (w *World) PlaceUntil(t *testing.T, b *Buyer, external string, minor int64, until time.Time) models.Order {
	t.Helper()
	order, err := w.Orders.Place(t.Context(), w.who, orders.PlaceOrder{
		CustomerID: b.Customer.ID, ExternalID: external, PayBy: &until, Items: []orders.PlaceItem{{
			ServiceType: "hws.service.type.ebs", ResourceType: "hws.resource.type.volume", SpecCode: "SSD", Region: "cn-north-4",
			Quantity: 1, PeriodType: models.PeriodMonth, PeriodCount: 1, AmountMinor: minor,
		}},
	})
	must(t, err)
	return order
}

// Cancel cancels an order.
func (w *World) Cancel(t *testing.T, b *Buyer, order models.ID) {
	t.Helper()
	_, err := w.Orders.Cancel(t.Context(), w.as(b), orders.CancelOrder{OrderID: order})
	must(t, err)
}

// Freeze freezes a customer's account, as an operator.
func (w *World) Freeze(t *testing.T, b *Buyer) {
	t.Helper()
	_, err := w.Customers.Freeze(t.Context(), w.who, customers.FreezeCustomer{CustomerID: b.Customer.ID, Scope: models.FrozenAccount, Reason: "test"})
	must(t, err)
}

// KeyOfBuyer makes a key of the customer with these permissions only.
func (w *World) KeyOfBuyer(t *testing.T, b *Buyer, scopes ...models.Permission) string {
	t.Helper()
	return w.key(t.Context(), t, identity.CreateKey{Name: "narrow", CustomerID: &b.Customer.ID, Scopes: scopes}).Secret
}

// Fresh makes a solution provider that has nothing but a key.
func (w *World) Fresh(t *testing.T, tag string) *Org {
	t.Helper()
	o := &Org{Tag: tag}
	var err error
	o.Partner, err = w.Partners.Create(t.Context(), w.who, partners.CreatePartner{
		Kind: models.SolutionProvider, Name: tag, Level: models.LevelLeading, Country: "CN", SigningEntity: "Cloud", Currency: models.CNY, Cloud: w.Cloud,
	})
	must(t, err)
	key := w.key(t.Context(), t, identity.CreateKey{Name: tag, PartnerID: &o.Partner.ID})
	o.Key, o.KeyID = key.Secret, key.APIKey.ID
	return o
}

// ErrRolledBack is how HoldOrder ends.
var ErrRolledBack = errors.New("apitest: rolled back")

// HoldOrder locks an order in a transaction until release is closed, and rolls back. It closes held once it has the lock.
func (w *World) HoldOrder(ctx context.Context, id models.ID, held chan<- struct{}, release <-chan struct{}) error {
	return w.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewUpdate().Model((*models.Order)(nil)).Set("updated_at = updated_at").Where("id = ?", id).Exec(ctx); err != nil {
			return err
		}
		close(held)
		<-release
		return ErrRolledBack
	})
}
