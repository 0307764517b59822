package funds_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

func TestAClaimFindsTheOneRemittance(t *testing.T) {
	t.Parallel()
	named := func(reference string) func(*funds.ClaimRemittance) {
		return func(c *funds.ClaimRemittance) { c.BankReference = &reference }
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for name, row := range map[string]struct {
			arrived [][3]string // bank reference, payer, amount
			claim   func(*funds.ClaimRemittance)
			state   models.RemittanceClaimState
			cash    int64
		}{
			"by the reference and the payer's name, as the bank writes it": {
				[][3]string{{"a", "ＡＣＭＥ　 LTD", "100"}, {"b", "Acme Ltd", "100"}, {"c", "Acme Ltd", "99"}}, named("a"), models.ClaimCredited, 10_000,
			},
			"a payer's name alone is no proof": {[][3]string{{"a", "Acme Ltd", "100"}}, nil, models.ClaimPendingReview, 0},
			"nor is a reference alone":         {[][3]string{{"a", "Somebody", "100"}}, named("a"), models.ClaimPendingReview, 0},
			"none":                             {[][3]string{{"a", "Other", "100"}, {"b", "Acme Ltd", "100.01"}}, named("b"), models.ClaimPendingReview, 0},
			"one by the name and another by the reference": {
				[][3]string{{"a", "Acme Ltd", "100"}, {"b", "Other", "100"}}, named("b"), models.ClaimPendingReview, 0,
			},
		} {
			s := newTill(t, db)
			// The rows share a database: the name keeps their references and payers apart.
			for _, arrived := range row.arrived {
				s.arrive(name+" "+arrived[0], arrived[1]+" "+name, arrived[2])
			}
			cmd := claim("Acme Ltd "+name, "k"+name)
			if row.claim != nil {
				row.claim(&cmd)
				cmd.BankReference = ptr(name + " " + *cmd.BankReference)
			}
			done, err := s.ClaimRemittance(context.Background(), s.as(s.distributor), cmd)
			s.want(err, "")
			if done.Claim.State != row.state || s.cash(s.distributor) != row.cash || (done.Balance != nil) != (row.cash > 0) {
				t.Errorf("%s: %s, %d is there, balance %v", name, done.Claim.State, s.cash(s.distributor), done.Balance)
			}
			if done.Claim.PayerName == nil || *done.Claim.PayerName != cmd.PayerName {
				t.Errorf("%s: the payer is %v", name, done.Claim.PayerName)
			}
			if row.cash > 0 {
				transfer, _, err := s.Ledger.TransferOf(context.Background(), db, done.Claim.TransferID)
				s.want(err, "")
				if transfer.SubjectID != done.Claim.ID || transfer.Kind != models.TransferRecharge {
					t.Errorf("%s: the transfer is %s for %s", name, transfer.Kind, transfer.SubjectID)
				}
			}
			s.sound()
		}
	})
}

// What a partner sent itself needs no reference: the bank names it as it is named here. Two of the same amount are a question for people.
func TestAPartnersOwnMoneyIsFoundByItsName(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newTill(t, db)
		own := "Company " + string(s.distributor)
		_, err := db.NewUpdate().Model((*models.Partner)(nil)).Set("name = ?", own).Where("id = ?", s.distributor).Exec(context.Background())
		s.want(err, "")
		s.arrive("first", own, "100")
		done, err := s.ClaimRemittance(context.Background(), s.as(s.distributor), claim(own, "k1"))
		s.want(err, "")
		if done.Claim.State != models.ClaimCredited || s.cash(s.distributor) != 10_000 {
			t.Errorf("%s, %d is there", done.Claim.State, s.cash(s.distributor))
		}
		s.arrive("second", own, "100")
		s.arrive("third", own, "100")
		done, err = s.ClaimRemittance(context.Background(), s.as(s.distributor), claim(own, "k2"))
		s.want(err, "")
		if done.Claim.State != models.ClaimPendingReview || s.cash(s.distributor) != 10_000 {
			t.Errorf("one of two: %s, %d is there", done.Claim.State, s.cash(s.distributor))
		}
		// Somebody else who knows the name gets nothing of it.
		done, err = s.ClaimRemittance(context.Background(), s.buyer(s.advisory), claim(own, "k3"))
		s.want(err, "")
		if done.Claim.State != models.ClaimPendingReview || s.cash(s.advisory) != 0 {
			t.Errorf("a stranger: %s, %d is there", done.Claim.State, s.cash(s.advisory))
		}
		s.sound()
	})
}

func TestAClaimForARechargeConfirmsIt(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newTill(t, db)
		ctx, who := context.Background(), s.buyer(s.advisory)
		recharge := s.transfer(who, "k")
		s.arrive("ref", "Zhang San", "100")
		cmd := claim("zhang  san", "c")
		cmd.RechargeID, cmd.BankReference = &recharge.ID, ptr("ref")
		done, err := s.ClaimRemittance(ctx, who, cmd)
		s.want(err, "")
		found, err := s.RechargesByIDs(ctx, who, []models.ID{recharge.ID})
		s.want(err, "")
		got := found[recharge.ID]
		if got.State != models.RechargeConfirmed || got.TransferID != done.Claim.TransferID || got.ProviderReference != "ref" || s.cash(s.advisory) != 10_000 {
			t.Errorf("%+v, %d is there", got, s.cash(s.advisory))
		}
		transfer, _, err := s.Ledger.TransferOf(ctx, db, done.Claim.TransferID)
		s.want(err, "")
		if transfer.SubjectID != recharge.ID {
			t.Errorf("the transfer is for %s", transfer.SubjectID)
		}
		again, err := s.ClaimRemittance(ctx, who, cmd)
		s.want(err, "")
		if diff := cmp.Diff(done, again); diff != "" {
			t.Errorf("a repeated key answers otherwise:\n%s", diff)
		}
		cmd.IdempotencyKey = "another"
		_, err = s.ClaimRemittance(ctx, who, cmd)
		s.want(err, "RECHARGE_CONFIRMED")
		s.sound()
	})
}

func TestClaimsThatAreRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newTill(t, db)
		distributor := s.as(s.distributor)
		narrow := distributor
		narrow.Permissions = nil
		nowhere := s.partner(models.SolutionProvider)
		homeless := models.Principal{Kind: models.PartnerKey, KeyID: "k", PartnerID: nowhere, PartnerKind: models.SolutionProvider, Permissions: models.AllPermissions()}
		online, theirs := s.online(distributor, models.ChannelAlipay, "1"), s.transfer(s.as(s.stranger), "1")
		s.arrive("a", "Payer", "100")
		with := func(change func(*funds.ClaimRemittance)) funds.ClaimRemittance {
			cmd := claim("Payer", "k")
			change(&cmd)
			return cmd
		}
		worth := func(a string) funds.ClaimRemittance {
			return with(func(c *funds.ClaimRemittance) { c.Amount = amount(a) })
		}
		named := func(name string) funds.ClaimRemittance {
			return with(func(c *funds.ClaimRemittance) { c.PayerName = name })
		}
		on := func(day models.Date) funds.ClaimRemittance {
			return with(func(c *funds.ClaimRemittance) { c.RemittedOn = day })
		}
		of := func(id models.ID) funds.ClaimRemittance {
			return with(func(c *funds.ClaimRemittance) { c.RechargeID = &id })
		}
		before := s.rows()
		for _, row := range []struct {
			name string
			who  models.Principal
			cmd  funds.ClaimRemittance
			want string
		}{
			{"nobody", models.Principal{}, claim("Payer", "k"), "UNAUTHENTICATED"},
			{"without the permission", narrow, claim("Payer", "k"), "FORBIDDEN"},
			{"an operator", teller(), claim("Payer", "k"), "FORBIDDEN"},
			{"a resale customer (C02)", s.buyer(s.resale), claim("Payer", "k"), "RESALE_CUSTOMER"},
			{"a reseller (M06)", s.as(s.reseller), claim("Payer", "k"), "FUNDED_BY_DISTRIBUTOR"},
			{"a frozen customer", s.buyer(s.frozen), claim("Payer", "k"), "CUSTOMER_FROZEN"},
			{"where no transfers are taken", homeless, claim("Payer", "k"), "METHOD_NOT_OPEN"},
			{"zero", distributor, worth("0"), "INVALID amount"},
			{"negative", distributor, worth("-100"), "INVALID amount"},
			{"three digits", distributor, worth("100.001"), "INVALID amount"},
			{"a huge exponent", distributor, worth("1e50000000"), "INVALID amount"},
			{"over the cap", distributor, worth("10000000000000.01"), "INVALID amount"},
			{"no payer", distributor, named("  "), "INVALID payerName"},
			{"an endless payer", distributor, named(strings.Repeat("张", 201)), "INVALID payerName"},
			{"a payer with a line break", distributor, named("a\nb"), "INVALID payerName"},
			{"no day", distributor, on(""), "INVALID remittedOn"},
			{"a day that is none", distributor, on("2026-02-30"), "INVALID remittedOn"},
			{"a day to come", distributor, on("2026-11-23"), "INVALID remittedOn"},
			{"an empty reference", distributor, with(func(c *funds.ClaimRemittance) { c.BankReference = ptr("") }), "INVALID bankReference"},
			{"another kind of id", distributor, of(s.distributor), "INVALID rechargeId"},
			{"a stranger's recharge", distributor, of(theirs.ID), "NOT_FOUND"},
			{"an online recharge", distributor, of(online.ID), "NOT_BY_BANK_TRANSFER"},
			{"no key", distributor, with(func(c *funds.ClaimRemittance) { c.IdempotencyKey = "" }), "INVALID idempotencyKey"},
		} {
			if _, err := s.ClaimRemittance(context.Background(), row.who, row.cmd); refusal(err) != row.want {
				t.Errorf("%s: %v, want %s", row.name, err, row.want)
			}
		}
		if diff := cmp.Diff(before, s.rows()); diff != "" {
			t.Errorf("refusals left something behind:\n%s", diff)
		}
		_, err := s.ClaimRemittance(context.Background(), distributor, claim("Payer", "k"))
		s.want(err, "")
		for name, used := range map[string]funds.ClaimRemittance{"amount": worth("100.01"), "payer": named("Another"), "day": on("2026-11-19")} {
			if _, err := s.ClaimRemittance(context.Background(), distributor, used); refusal(err) != "CONFLICT" {
				t.Errorf("another %s under a used key: %v", name, err)
			}
		}
		s.sound()
	})
}

func TestRemittancesThatMayNotBeRecorded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newTill(t, db)
		good := funds.RecordRemittance{
			SigningEntity: "CN", BankReference: "a", PayerName: "Payer", Amount: amount("100"), Currency: models.CNY, ReceivedOn: "2026-11-21", IdempotencyKey: "k",
		}
		with := func(change func(*funds.RecordRemittance)) funds.RecordRemittance {
			cmd := good
			change(&cmd)
			return cmd
		}
		before := s.rows()
		for _, row := range []struct {
			name string
			who  models.Principal
			cmd  funds.RecordRemittance
			want string
		}{
			{"nobody", models.Principal{}, good, "UNAUTHENTICATED"},
			{"a partner", s.as(s.distributor), good, "FORBIDDEN"},
			{"a customer", s.buyer(s.advisory), good, "FORBIDDEN"},
			{"to nobody", teller(), with(func(c *funds.RecordRemittance) { c.SigningEntity = "EU" }), "INVALID signingEntity"},
			{"in another currency than the entity's", teller(), with(func(c *funds.RecordRemittance) { c.Currency = models.USD }), "INVALID signingEntity"},
			{"in no currency", teller(), with(func(c *funds.RecordRemittance) { c.Currency = "EUR" }), "INVALID amount"},
			{"zero", teller(), with(func(c *funds.RecordRemittance) { c.Amount = amount("0") }), "INVALID amount"},
			{"negative", teller(), with(func(c *funds.RecordRemittance) { c.Amount = amount("-1") }), "INVALID amount"},
			{"three digits", teller(), with(func(c *funds.RecordRemittance) { c.Amount = amount("1.001") }), "INVALID amount"},
			{"no reference", teller(), with(func(c *funds.RecordRemittance) { c.BankReference = "" }), "INVALID bankReference"},
			{"a reference with spaces around it", teller(), with(func(c *funds.RecordRemittance) { c.BankReference = " a" }), "INVALID bankReference"},
			{"no payer", teller(), with(func(c *funds.RecordRemittance) { c.PayerName = "" }), "INVALID payerName"},
			{"a day to come", teller(), with(func(c *funds.RecordRemittance) { c.ReceivedOn = "2026-11-23" }), "INVALID receivedOn"},
			{"no key", teller(), with(func(c *funds.RecordRemittance) { c.IdempotencyKey = "" }), "INVALID idempotencyKey"},
		} {
			if _, err := s.RecordRemittance(context.Background(), row.who, row.cmd); refusal(err) != row.want {
				t.Errorf("%s: %v, want %s", row.name, err, row.want)
			}
		}
		if diff := cmp.Diff(before, s.rows()); diff != "" {
			t.Errorf("refusals left something behind:\n%s", diff)
		}
		first, err := s.RecordRemittance(context.Background(), teller(), good)
		s.want(err, "")
		again, err := s.RecordRemittance(context.Background(), teller(), good)
		s.want(err, "")
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("a repeated key answers otherwise:\n%s", diff)
		}
		_, err = s.RecordRemittance(context.Background(), teller(), with(func(c *funds.RecordRemittance) { c.PayerName = "Another" }))
		s.want(err, "CONFLICT")
		_, err = s.RecordRemittance(context.Background(), teller(), with(func(c *funds.RecordRemittance) { c.IdempotencyKey = "k2" }))
		s.want(err, "CONFLICT bankReference")
	})
}

// One remittance and many who want it: claimants, an operator who confirms a recharge with it, and one who reviews.
func TestARemittanceIsCreditedOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newTill(t, db)
		ctx := context.Background()
		claimants := []models.Principal{s.as(s.distributor), s.as(s.stranger), s.buyer(s.advisory), s.buyer(s.independent)}
		waiting, err := s.ClaimRemittance(ctx, s.as(s.stranger), claim("Payer", "early"))
		s.want(err, "")
		recharge := s.transfer(s.as(s.distributor), "k")
		arrived := s.arrive("ref", "Payer", "100")
		counts := map[string]int{}
		for _, got := range atOnce(18, func(i int) string {
			switch i {
			case 16:
				_, err := s.confirm(recharge.ID, "100", "ref", "confirm")
				return refusal(err)
			case 17:
				_, err := s.ReviewRemittanceClaim(ctx, teller(), funds.ReviewRemittanceClaim{
					ClaimID: waiting.Claim.ID, RemittanceID: &arrived.ID, Approve: true, IdempotencyKey: "review",
				})
				return refusal(err)
			}
			cmd := claim("Payer", fmt.Sprint(i))
			cmd.BankReference = ptr("ref")
			done, err := s.ClaimRemittance(ctx, claimants[i%4], cmd)
			if err != nil {
				return refusal(err)
			}
			if done.Claim.State == models.ClaimCredited {
				return ""
			}
			return string(done.Claim.State)
		}) {
			counts[got]++
		}
		if counts[""] != 1 || counts[""]+counts["PENDING_REVIEW"]+counts["REMITTANCE_CREDITED"] != 18 {
			t.Errorf("answers: %v", counts)
		}
		total := int64(0)
		for _, owner := range []models.ID{s.distributor, s.stranger, s.advisory, s.independent} {
			total += s.cash(owner)
		}
		if total != 10_000 {
			t.Errorf("%d was credited for 10000", total)
		}
		s.sound()
	})
}

func TestAnOperatorDecidesWhatTheRulesDoNot(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newTill(t, db)
		ctx, who := context.Background(), s.as(s.distributor)
		recharge := s.transfer(who, "r")
		wrong := claim("Misspelt", "1")
		wrong.RechargeID = &recharge.ID
		mine, err := s.ClaimRemittance(ctx, who, wrong)
		s.want(err, "")
		other, err := s.ClaimRemittance(ctx, who, claim("Nobody", "2"))
		s.want(err, "")
		arrived, taken := s.arrive("ref", "Payer", "98.50"), s.arrive("taken", "Payer", "7")
		_, err = s.confirm(s.transfer(who, "r2").ID, "7", "taken", "t")
		s.want(err, "")
		dollars, err := s.RecordRemittance(ctx, teller(), funds.RecordRemittance{
			SigningEntity: "US", BankReference: "usd", PayerName: "Payer", Amount: amount("100"), Currency: models.USD, ReceivedOn: "2026-11-21", IdempotencyKey: "usd",
		})
		s.want(err, "")
		good := funds.ReviewRemittanceClaim{ClaimID: mine.Claim.ID, RemittanceID: &arrived.ID, Approve: true, IdempotencyKey: "k"}
		with := func(change func(*funds.ReviewRemittanceClaim)) funds.ReviewRemittanceClaim {
			cmd := good
			change(&cmd)
			return cmd
		}
		reject := with(func(c *funds.ReviewRemittanceClaim) {
			c.Approve, c.RemittanceID, c.Reason = false, nil, ptr("Not found.")
		})
		before := s.rows()
		for _, row := range []struct {
			name string
			who  models.Principal
			cmd  funds.ReviewRemittanceClaim
			want string
		}{
			{"nobody", models.Principal{}, good, "UNAUTHENTICATED"},
			{"the claimant", who, good, "FORBIDDEN"},
			{"another kind of claim", teller(), with(func(c *funds.ReviewRemittanceClaim) { c.ClaimID = arrived.ID }), "INVALID claimId"},
			{"no such claim", teller(), with(func(c *funds.ReviewRemittanceClaim) { c.ClaimID = "rmc_01h455vb4pex5vsknk084sn02q" }), "NOT_FOUND"},
			{"approved without a remittance", teller(), with(func(c *funds.ReviewRemittanceClaim) { c.RemittanceID = nil }), "INVALID remittanceId"},
			{"approved with another kind", teller(), with(func(c *funds.ReviewRemittanceClaim) { c.RemittanceID = &recharge.ID }), "INVALID remittanceId"},
			{"approved with none", teller(), with(func(c *funds.ReviewRemittanceClaim) {
				c.RemittanceID = ptr(models.ID("rmt_01h455vb4pex5vsknk084sn02q"))
			}), "NOT_FOUND"},
			{"approved with another entity's", teller(), with(func(c *funds.ReviewRemittanceClaim) { c.RemittanceID = &dollars.Remittance.ID }), "INVALID remittanceId"},
			{"approved with one that is credited", teller(), with(func(c *funds.ReviewRemittanceClaim) { c.RemittanceID = &taken.ID }), "REMITTANCE_CREDITED"},
			{"rejected with a remittance", teller(), with(func(c *funds.ReviewRemittanceClaim) { c.Approve = false }), "INVALID remittanceId"},
			{"rejected without a reason", teller(), with(func(c *funds.ReviewRemittanceClaim) { c.Approve, c.RemittanceID = false, nil }), "INVALID reason"},
			{"with an empty reason", teller(), with(func(c *funds.ReviewRemittanceClaim) { c.Reason = ptr("") }), "INVALID reason"},
			{"no key", teller(), with(func(c *funds.ReviewRemittanceClaim) { c.IdempotencyKey = "" }), "INVALID idempotencyKey"},
		} {
			if _, err := s.ReviewRemittanceClaim(ctx, row.who, row.cmd); refusal(err) != row.want {
				t.Errorf("%s: %v, want %s", row.name, err, row.want)
			}
		}
		if diff := cmp.Diff(before, s.rows()); diff != "" {
			t.Errorf("refusals left something behind:\n%s", diff)
		}
		had := s.cash(s.distributor)
		first, err := s.ReviewRemittanceClaim(ctx, teller(), good)
		s.want(err, "")
		again, err := s.ReviewRemittanceClaim(ctx, teller(), good)
		s.want(err, "")
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("a repeated key answers otherwise:\n%s", diff)
		}
		if got := s.cash(s.distributor) - had; got != 9_850 || first.Claim.Credited().Minor != got || first.Claim.PayerName == nil {
			t.Errorf("%d was credited: %+v", got, first.Claim)
		}
		found, err := s.RechargesByIDs(ctx, who, []models.ID{recharge.ID})
		s.want(err, "")
		if found[recharge.ID].State != models.RechargeConfirmed {
			t.Errorf("the recharge is %s", found[recharge.ID].State)
		}
		late := reject
		late.IdempotencyKey = "late"
		_, err = s.ReviewRemittanceClaim(ctx, teller(), late)
		s.want(err, "CLAIM_CREDITED")
		reject.ClaimID, reject.IdempotencyKey = other.Claim.ID, "reject"
		rejected, err := s.ReviewRemittanceClaim(ctx, teller(), reject)
		s.want(err, "")
		if rejected.Claim.State != models.ClaimRejected || rejected.Claim.Reason != "Not found." || rejected.Balance != nil {
			t.Errorf("rejected: %+v", rejected)
		}
		s.sound()
	})
}

// A third party pays under an agreement, until it is voided or has run out (代付).
func TestAPayerUnderAnAgreementPaysForItsOwner(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newTill(t, db)
		ctx, who := context.Background(), s.as(s.distributor)
		agree := func(who models.Principal, payer string, from, until time.Time) (funds.SavedPayerAgreement, error) {
			return s.CreatePayerAgreement(ctx, who, funds.CreatePayerAgreement{PayerName: payer, ValidFrom: from, ValidUntil: until})
		}
		year := noon.AddDate(1, 0, 0)
		for name, row := range map[string]struct {
			who         models.Principal
			payer       string
			from, until time.Time
			want        string
		}{
			"nobody":                     {models.Principal{}, "P", noon, year, "UNAUTHENTICATED"},
			"an operator":                {teller(), "P", noon, year, "FORBIDDEN"},
			"a resale customer":          {s.buyer(s.resale), "P", noon, year, "RESALE_CUSTOMER"},
			"a frozen customer":          {s.buyer(s.frozen), "P", noon, year, "CUSTOMER_FROZEN"},
			"a reseller":                 {s.as(s.reseller), "P", noon, year, "FUNDED_BY_DISTRIBUTOR"},
			"no payer":                   {who, "", noon, year, "INVALID payerName"},
			"an end before the start":    {who, "P", year, noon, "INVALID validUntil"},
			"an end in the past":         {who, "P", noon.AddDate(-1, 0, 0), noon, "INVALID validUntil"},
			"an end in the next century": {who, "P", noon, noon.AddDate(80, 0, 0), "INVALID validUntil"},
		} {
			if _, err := agree(row.who, row.payer, row.from, row.until); refusal(err) != row.want {
				t.Errorf("%s: %v, want %s", name, err, row.want)
			}
		}
		claimed := func(who models.Principal, key string) models.RemittanceClaimState {
			done, err := s.ClaimRemittance(ctx, who, claim("Ourselves", key))
			s.want(err, "")
			return done.Claim.State
		}
		_, err := agree(who, "Tomorrow's Payer", noon.AddDate(0, 0, 1), year)
		s.want(err, "")
		agreement, err := agree(who, "Third Party", noon, year)
		s.want(err, "")
		s.arrive("1", "Tomorrow's Payer", "100")
		s.arrive("2", "third  party", "100")
		s.arrive("3", "Third Party", "100")
		if got := claimed(s.as(s.stranger), "theirs"); got != models.ClaimPendingReview {
			t.Errorf("another's agreement counts: %s", got)
		}
		if got := claimed(who, "two"); got != models.ClaimPendingReview {
			t.Errorf("two remittances of the payer: %s", got)
		}
		_, err = s.confirm(s.transfer(s.as(s.stranger), "r").ID, "100", "3", "c")
		s.want(err, "")
		if got := claimed(who, "one"); got != models.ClaimCredited {
			t.Errorf("the one of the payer: %s", got)
		}
		void := funds.VoidPayerAgreement{PayerAgreementID: agreement.PayerAgreement.ID}
		for name, row := range map[string]struct {
			who  models.Principal
			want string
		}{"nobody": {models.Principal{}, "UNAUTHENTICATED"}, "a stranger": {s.as(s.stranger), "NOT_FOUND"}, "a customer": {s.buyer(s.advisory), "NOT_FOUND"}} {
			if _, err := s.VoidPayerAgreement(ctx, row.who, void); refusal(err) != row.want {
				t.Errorf("voided by %s: %v, want %s", name, err, row.want)
			}
		}
		_, err = s.VoidPayerAgreement(ctx, who, funds.VoidPayerAgreement{PayerAgreementID: s.distributor})
		s.want(err, "INVALID payerAgreementId")
		voided, err := s.VoidPayerAgreement(ctx, who, void)
		s.want(err, "")
		if voided.PayerAgreement.State != models.PayerAgreementVoided || *voided.PayerAgreement.PayerName != "Third Party" {
			t.Errorf("voided: %+v", voided.PayerAgreement)
		}
		_, err = s.VoidPayerAgreement(ctx, teller(), void)
		s.want(err, "AGREEMENT_VOIDED")
		s.arrive("4", "Third Party", "100")
		if got := claimed(who, "voided"); got != models.ClaimPendingReview {
			t.Errorf("after it was voided: %s", got)
		}
		s.passed.Store(int64(24 * time.Hour))
		if got := claimed(who, "tomorrow"); got != models.ClaimCredited {
			t.Errorf("the agreement of the next day: %s", got)
		}
		for name, row := range map[string]struct {
			who  models.Principal
			want int
		}{"the owner": {who, 2}, "an operator": {teller(), 2}, "a stranger": {s.as(s.stranger), 0}, "a customer": {s.buyer(s.advisory), 0}} {
			page, err := s.FindAgreements(ctx, row.who, funds.AgreementFilter{}, models.PageArgs{})
			s.want(err, "")
			if len(page.Edges) != row.want {
				t.Errorf("%s sees %d agreements, want %d", name, len(page.Edges), row.want)
			}
		}
		s.sound()
	})
}

// Whose money arrived and whose it is said to be is for operators; a claim and its payer's name also for the claimant.
func TestPayersNamesAreSealedAndShownToThoseWhoMayKnow(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newTill(t, db)
		ctx, who := context.Background(), s.as(s.distributor)
		const secret = "Unmistakable Payer"
		arrived := s.arrive("ref", secret, "5")
		done, err := s.ClaimRemittance(ctx, who, claim(secret, "k"))
		s.want(err, "")
		_, err = s.CreatePayerAgreement(ctx, who, funds.CreatePayerAgreement{PayerName: secret, ValidFrom: noon, ValidUntil: noon.AddDate(1, 0, 0)})
		s.want(err, "")
		_, err = s.ReviewRemittanceClaim(ctx, teller(), funds.ReviewRemittanceClaim{
			ClaimID: done.Claim.ID, RemittanceID: &arrived.ID, Approve: true, IdempotencyKey: "k",
		})
		s.want(err, "")
		for _, table := range []string{"remittances", "remittance_claims", "payer_agreements", "events", "outbox", "idempotency_keys", "transfers"} {
			var rows []map[string]any
			s.want(db.NewSelect().Table(table).Scan(ctx, &rows), "")
			for _, row := range rows {
				for column, value := range row {
					text, isBytes := value.([]byte)
					if !isBytes {
						text = fmt.Append(nil, value)
					}
					if bytes.Contains(bytes.ToLower(text), []byte("unmistakable")) {
						t.Errorf("%s.%s holds the payer's name: %s", table, column, text)
					}
				}
			}
		}
		for name, row := range map[string]struct {
			who                 models.Principal
			remittances, claims int
		}{
			"an operator": {teller(), 1, 1}, "the claimant": {who, 0, 1}, "a stranger": {s.as(s.stranger), 0, 0}, "a customer": {s.buyer(s.advisory), 0, 0},
		} {
			remittances, err := s.FindRemittances(ctx, row.who, funds.RemittanceFilter{}, models.PageArgs{})
			s.want(err, "")
			claims, err := s.FindClaims(ctx, row.who, funds.ClaimFilter{}, models.PageArgs{})
			s.want(err, "")
			byID, err := s.RemittancesByIDs(ctx, row.who, []models.ID{arrived.ID})
			s.want(err, "")
			claimsByID, err := s.ClaimsByIDs(ctx, row.who, []models.ID{done.Claim.ID})
			s.want(err, "")
			got := []int{len(remittances.Edges), len(claims.Edges), len(byID), len(claimsByID)}
			if diff := cmp.Diff([]int{row.remittances, row.claims, row.remittances, row.claims}, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
			for _, c := range claims.Nodes() {
				if c.PayerName == nil || *c.PayerName != secret {
					t.Errorf("%s reads %v", name, c.PayerName)
				}
			}
		}
		for name, row := range map[string]struct {
			filter funds.RemittanceFilter
			want   int
		}{
			"of its entity":        {funds.RemittanceFilter{SigningEntity: ptr("CN")}, 1},
			"of another":           {funds.RemittanceFilter{SigningEntity: ptr("US")}, 0},
			"of its reference":     {funds.RemittanceFilter{BankReference: ptr("ref")}, 1},
			"of another reference": {funds.RemittanceFilter{BankReference: ptr("re")}, 0},
			"of its state":         {funds.RemittanceFilter{States: []models.RemittanceState{models.RemittanceCredited}}, 1},
			"of another state":     {funds.RemittanceFilter{States: []models.RemittanceState{models.RemittanceUnclaimed}}, 0},
			"of no state":          {funds.RemittanceFilter{States: []models.RemittanceState{}}, 0},
		} {
			page, err := s.FindRemittances(ctx, teller(), row.filter, models.PageArgs{})
			s.want(err, "")
			if len(page.Edges) != row.want {
				t.Errorf("%s: %d, want %d", name, len(page.Edges), row.want)
			}
		}
		answer, err := json.Marshal(done)
		if err != nil || bytes.Contains(answer, []byte("nmistakable")) {
			t.Errorf("an answer to remember holds the name: %s, %v", answer, err)
		}
	})
}
