package funds_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/seal"
)

// till is a shop whose signing entity takes money.
type till struct {
	*shop
	passed      atomic.Int64 // since noon
	signed      funds.SignedProvider
	independent models.ID // a customer without a partner
	frozen      models.ID // an advisory one that is frozen
	dollars     models.ID // an advisory one in a currency that nobody takes online
}

func newTill(t *testing.T, db *store.DB) *till {
	t.Helper()
	s := &till{shop: newShop(t, db)}
	clock := func() time.Time { return noon.Add(time.Duration(s.passed.Load())) }
	s.Now, s.Ledger.Now, s.Events.Now, s.IDs = clock, clock, clock, s.Ledger.IDs
	var err error
	s.Seal, err = seal.New("k1:" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32)))
	s.want(err, "")
	s.signed = funds.SignedProvider{PayURL: "https://pay.example.com/", Secret: bytes.Repeat([]byte{9}, 32), Now: clock}
	s.Providers = map[string]funds.Provider{funds.ProviderManual: funds.ManualProvider{}, "signed": s.signed}
	s.Origin = "https://sales.example.com"
	account := models.BankAccount{Bank: "Bank", AccountName: "Cloud", AccountNumber: "6222"}
	s.SigningEntities = funds.SigningEntities{
		{
			Name: "CN", Cloud: "sim", Currency: models.CNY, Customers: true, Online: []funds.OnlineChannel{
				{Channel: models.ChannelAlipay, Provider: "signed", Maximum: amount("50000")},
				{Channel: models.ChannelWeChat, Provider: funds.ProviderManual, Instructions: "Scan the code."},
			},
			BankTransfer: &funds.BankTransfer{BankAccount: account, Instructions: "Quote the reference."},
		},
		{Name: "US", Cloud: "sim", Currency: models.USD, Customers: true, BankTransfer: &funds.BankTransfer{BankAccount: account}},
	}
	s.want(s.SigningEntities.Check(s.Providers), "")
	_, err = db.NewUpdate().Table("partners").Set("signing_entity = 'CN'").Where("1 = 1").Exec(context.Background())
	s.want(err, "")
	s.independent = s.customer("", models.NotFrozen)
	s.frozen, s.dollars = s.customer("", models.FrozenAccount), s.customer("", models.NotFrozen)
	_, err = db.NewUpdate().Table("customers").Set("currency = 'USD'").Where("id = ?", s.dollars).Exec(context.Background())
	s.want(err, "")
	return s
}

// buyer is a program of a customer.
func (s *till) buyer(customer models.ID) models.Principal {
	return models.Principal{
		Kind: models.CustomerUser, KeyID: "key_buyer", CustomerID: customer, RequestID: "test",
		Permissions: models.DefaultPermissions(models.CustomerUser, ""),
	}
}

func teller() models.Principal {
	return models.Principal{Kind: models.Operator, UserID: "usr_operator", Permissions: models.AllPermissions(), RequestID: "test"}
}

// online starts an online recharge of 100.00.
func (s *till) online(who models.Principal, channel models.RechargeChannel, key string) models.Recharge {
	s.t.Helper()
	started, err := s.StartRecharge(context.Background(), who, funds.StartRecharge{
		Amount: amount("100"), Method: models.RechargeOnline, Channel: &channel, IdempotencyKey: key,
	})
	s.want(err, "")
	return started.Recharge
}

// transfer starts a recharge by bank transfer of 100.00.
func (s *till) transfer(who models.Principal, key string) models.Recharge {
	s.t.Helper()
	started, err := s.StartRecharge(context.Background(), who, funds.StartRecharge{
		Amount: amount("100"), Method: models.RechargeBankTransfer, IdempotencyKey: key,
	})
	s.want(err, "")
	return started.Recharge
}

func (s *till) confirm(id models.ID, worth, reference, key string) (funds.ConfirmedRecharge, error) {
	return s.ConfirmRecharge(context.Background(), teller(), funds.ConfirmRecharge{
		RechargeID: id, ReceivedAmount: amount(worth), ProviderReference: reference, IdempotencyKey: key,
	})
}

// arrive records a remittance in CNY.
func (s *till) arrive(reference, payer, worth string) models.Remittance {
	s.t.Helper()
	recorded, err := s.RecordRemittance(context.Background(), teller(), funds.RecordRemittance{
		SigningEntity: "CN", BankReference: reference, PayerName: payer, Amount: amount(worth), Currency: models.CNY,
		ReceivedOn: "2026-11-21", IdempotencyKey: "record " + reference,
	})
	s.want(err, "")
	return recorded.Remittance
}

// claim is a claim of 100.00 from a payer.
func claim(payer, key string) funds.ClaimRemittance {
	return funds.ClaimRemittance{Amount: amount("100"), PayerName: payer, RemittedOn: "2026-11-20", IdempotencyKey: key}
}

// notice is a notification of the signed provider about a recharge.
func (s *till) notice(r models.Recharge, reference string, worth decimal.Decimal, currency string, paid bool) funds.Notification {
	body := fmt.Appendf(nil, `{"reference":%q,"providerReference":%q,"amount":%q,"currency":%q,"paid":%t}`,
		r.Reference, reference, worth.StringFixed(2), currency, paid)
	return s.sign(s.signed, body, s.Now())
}

func (s *till) sign(by funds.SignedProvider, body []byte, at time.Time) funds.Notification {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	header := http.Header{}
	header.Set(funds.HeaderTimestamp, timestamp)
	header.Set(funds.HeaderSignature, hex.EncodeToString(by.Sign(timestamp, body)))
	return funds.Notification{Header: header, Body: body}
}

// rows counts the rows of the recharge tables, too.
func (s *till) rows() map[string]int64 {
	s.t.Helper()
	seen := s.everything()
	for _, table := range []string{"recharges", "remittances", "remittance_claims", "payer_agreements"} {
		n, err := s.DB.NewSelect().Table(table).Count(context.Background())
		s.want(err, "")
		seen[table] = n
	}
	return seen
}
