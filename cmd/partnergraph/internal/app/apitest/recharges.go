package apitest

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
)

// Payments is the provider of a Server that notifies, under the name "signed".
func Payments(clock *Clock) funds.SignedProvider {
	return funds.SignedProvider{PayURL: "https://pay.example.com/", Secret: bytes.Repeat([]byte{9}, 32), Now: clock.Now}
}

// signingEntities takes the money of everybody in the world.
func signingEntities() funds.SigningEntities {
	return funds.SigningEntities{{
		Name: "Cloud", Cloud: "hws", Currency: models.CNY, Customers: true,
		Online: []funds.OnlineChannel{
			{Channel: models.ChannelAlipay, Provider: "signed"}, {Channel: models.ChannelWeChat, Provider: funds.ProviderManual},
		},
		BankTransfer: &funds.BankTransfer{
			BankAccount:  models.BankAccount{Bank: "Bank", AccountName: "Cloud", AccountNumber: "6222 0000 0000 0000"},
			Instructions: "Quote the reference of the recharge.",
		},
	}}
}

// selfOf is a program of a partner.
func selfOf(o *Org) models.Principal {
	return models.Principal{
		Kind: models.PartnerKey, PartnerID: o.Partner.ID, PartnerKind: o.Partner.Kind, KeyID: o.KeyID, RequestID: "test",
		Permissions: models.DefaultPermissions(models.PartnerKey, o.Partner.Kind),
	}
}

// recharges gives whoever pays for itself a recharge that waits, one that was paid by a bank transfer which an operator found,
// and an agreement; and the operator money that nobody has claimed.
func (w *World) recharges(ctx context.Context, t *testing.T, tag string, self models.Principal) {
	t.Helper()
	channel := models.ChannelWeChat
	waiting, err := w.Funds.StartRecharge(ctx, self, funds.StartRecharge{
		Amount: w.fresh(40_000), Method: models.RechargeOnline, Channel: &channel, IdempotencyKey: tag + " online",
	})
	must(t, err)
	w.text(waiting.Recharge.Reference, waiting.Recharge.ID)
	transfer, err := w.Funds.StartRecharge(ctx, self, funds.StartRecharge{
		Amount: w.fresh(50_000), Method: models.RechargeBankTransfer, IdempotencyKey: tag + " transfer",
	})
	must(t, err)
	w.text(transfer.Recharge.Reference, transfer.Recharge.ID)
	w.text(tag+"-paid-by-bank", transfer.Recharge.ID) // what the payer may know of the transfer
	today := models.DateOf(w.Now())
	claimed, err := w.Funds.ClaimRemittance(ctx, self, funds.ClaimRemittance{
		Amount: w.fresh(60_000), PayerName: tag + " payer", RemittedOn: today, RechargeID: &transfer.Recharge.ID, IdempotencyKey: tag + " claim",
	})
	must(t, err)
	w.text(tag+" payer", claimed.Claim.ID)
	found := w.Arrived(t, tag+"-paid-by-bank", tag+" at the bank", w.fresh(70_000))
	_, err = w.Funds.ReviewRemittanceClaim(ctx, w.who, funds.ReviewRemittanceClaim{
		ClaimID: claimed.Claim.ID, RemittanceID: &found.ID, Approve: true, IdempotencyKey: tag + " review",
	})
	must(t, err)
	w.Arrived(t, tag+"-unclaimed", tag+" unclaimed", w.fresh(80_000))
	agreement, err := w.Funds.CreatePayerAgreement(ctx, self, funds.CreatePayerAgreement{
		PayerName: tag + " third party", ValidFrom: w.Now(), ValidUntil: w.Now().Add(time.Hour),
	})
	must(t, err)
	w.text(tag+" third party", agreement.PayerAgreement.ID)
}

// Arrived records a remittance.
func (w *World) Arrived(t *testing.T, reference, payer string, amount decimal.Decimal) models.Remittance {
	t.Helper()
	recorded, err := w.Funds.RecordRemittance(t.Context(), w.who, funds.RecordRemittance{
		SigningEntity: "Cloud", BankReference: reference, PayerName: payer, Amount: amount, Currency: models.CNY,
		ReceivedOn: models.DateOf(w.Now()), IdempotencyKey: "record " + reference,
	})
	must(t, err)
	w.text(payer, recorded.Remittance.ID)
	return recorded.Remittance
}

// fresh is an amount of its own. It does not use next up, whose amounts would outgrow what customers have.
func (w *World) fresh(minor int64) decimal.Decimal {
	w.arrivals++
	return decimal.New(minor+7*w.arrivals*w.arrivals, -2)
}

// indexRecharges learns whose the recharges and what belongs to them are.
func (w *World) indexRecharges(ctx context.Context, t *testing.T, orgs map[models.ID]*Org, buyers map[models.ID]*Buyer) {
	t.Helper()
	var recharges []models.Recharge
	var claims []models.RemittanceClaim
	var remittances []models.Remittance
	var agreements []models.PayerAgreement
	for _, rows := range []any{&recharges, &claims, &remittances, &agreements} {
		must(t, w.DB.NewSelect().Model(rows).Scan(ctx))
	}
	for _, row := range recharges {
		w.owners[row.ID] = holder{org: orgs[row.PartnerID], buyer: buyers[row.CustomerID]}
		w.amount(t, row.Amount(), string(row.ID))
	}
	for _, row := range claims {
		w.owners[row.ID] = holder{org: orgs[row.PartnerID], buyer: buyers[row.CustomerID]}
		w.amount(t, row.Amount(), string(row.ID))
	}
	for _, row := range remittances {
		w.owners[row.ID] = holder{}
		if row.ClaimID != "" { // whoever claimed it knows what arrived
			w.amount(t, row.Amount(), string(row.ClaimID))
		} else {
			w.amount(t, row.Amount(), string(row.ID))
			w.text(row.BankReference, row.ID)
		}
	}
	for _, row := range agreements {
		w.owners[row.ID] = holder{org: orgs[row.PartnerID], buyer: buyers[row.CustomerID]}
	}
}

// References returns the bank references of the world's remittances with their ids.
func (w *World) References(t *testing.T) map[string]models.ID {
	t.Helper()
	var remittances []models.Remittance
	must(t, w.DB.NewSelect().Model(&remittances).Scan(t.Context()))
	references := make(map[string]models.ID, len(remittances))
	for _, row := range remittances {
		references[row.BankReference] = row.ID
	}
	return references
}
