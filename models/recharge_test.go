package models_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// wantMoves says which of the states may follow which, and wants no other to.
func wantMoves[S ~string](t *testing.T, states []S, can func(from, to S) bool, want map[S][]S) {
	t.Helper()
	for _, from := range append(states, "UNKNOWN") {
		for _, to := range append(states, "UNKNOWN") {
			if got := can(from, to); got != slices.Contains(want[from], to) {
				t.Errorf("%s to %s: %v", from, to, got)
			}
		}
	}
}

func TestStatesMoveAsTheTablesSay(t *testing.T) {
	t.Parallel()
	wantMoves(t, []models.RechargeState{"PENDING", "CONFIRMED", "FAILED", "CANCELLED", "EXPIRED"}, models.RechargeState.CanBecome,
		map[models.RechargeState][]models.RechargeState{
			"PENDING": {"CONFIRMED", "FAILED", "CANCELLED", "EXPIRED"}, "CANCELLED": {"CONFIRMED"}, "EXPIRED": {"CONFIRMED"},
		})
	wantMoves(t, []models.RemittanceState{"UNCLAIMED", "CREDITED"}, models.RemittanceState.CanBecome,
		map[models.RemittanceState][]models.RemittanceState{"UNCLAIMED": {"CREDITED"}})
	wantMoves(t, []models.RemittanceClaimState{"PENDING_REVIEW", "CREDITED", "REJECTED"}, models.RemittanceClaimState.CanBecome,
		map[models.RemittanceClaimState][]models.RemittanceClaimState{"PENDING_REVIEW": {"CREDITED", "REJECTED"}})
	wantMoves(t, []models.PayerAgreementState{"ACTIVE", "VOIDED"}, models.PayerAgreementState.CanBecome,
		map[models.PayerAgreementState][]models.PayerAgreementState{"ACTIVE": {"VOIDED"}})
}

// Every move of a recharge from every state, in time and out of time, by its reason; "" = it moves.
func TestARechargeRefusesAMoveWithItsState(t *testing.T) {
	t.Parallel()
	const early, late = -time.Second, time.Duration(0)
	for _, c := range []struct {
		state  models.RechargeState
		due    time.Duration // after it expires
		next   models.RechargeState
		reason string
	}{
		{"PENDING", early, "CONFIRMED", ""},
		{"PENDING", early, "FAILED", ""},
		{"PENDING", early, "CANCELLED", ""},
		{"PENDING", early, "EXPIRED", "RECHARGE_PENDING"},
		{"PENDING", early, "PENDING", "RECHARGE_PENDING"},
		{"PENDING", late, "CONFIRMED", ""}, // its money arrived late
		{"PENDING", late, "FAILED", "RECHARGE_EXPIRED"},
		{"PENDING", late, "CANCELLED", "RECHARGE_EXPIRED"},
		{"PENDING", late, "EXPIRED", ""},
		{"CONFIRMED", early, "CONFIRMED", "RECHARGE_CONFIRMED"},
		{"CONFIRMED", late, "FAILED", "RECHARGE_CONFIRMED"},
		{"CONFIRMED", late, "CANCELLED", "RECHARGE_CONFIRMED"},
		{"CONFIRMED", late, "EXPIRED", "RECHARGE_CONFIRMED"},
		{"CONFIRMED", late, "PENDING", "RECHARGE_CONFIRMED"},
		{"FAILED", early, "CONFIRMED", "RECHARGE_FAILED"},
		{"FAILED", early, "FAILED", "RECHARGE_FAILED"},
		{"FAILED", early, "CANCELLED", "RECHARGE_FAILED"},
		{"FAILED", late, "EXPIRED", "RECHARGE_FAILED"},
		{"FAILED", early, "PENDING", "RECHARGE_FAILED"},
		{"CANCELLED", early, "CONFIRMED", ""},
		{"CANCELLED", early, "FAILED", "RECHARGE_CANCELLED"},
		{"CANCELLED", early, "CANCELLED", "RECHARGE_CANCELLED"},
		{"CANCELLED", late, "EXPIRED", "RECHARGE_CANCELLED"},
		{"CANCELLED", early, "PENDING", "RECHARGE_CANCELLED"},
		{"EXPIRED", late, "CONFIRMED", ""},
		{"EXPIRED", late, "FAILED", "RECHARGE_EXPIRED"},
		{"EXPIRED", late, "CANCELLED", "RECHARGE_EXPIRED"},
		{"EXPIRED", late, "EXPIRED", "RECHARGE_EXPIRED"},
		{"EXPIRED", late, "PENDING", "RECHARGE_EXPIRED"},
	} {
		r := models.Recharge{State: c.state, ExpiresAt: noon.Add(-c.due)}
		err := r.Become(c.next, noon)
		if got := refusalReason(t, err); got != c.reason {
			t.Errorf("%s to %s, %s: %q, want %q", c.state, c.next, c.due, got, c.reason)
		}
		want := c.next
		if c.reason != "" {
			want = c.state
		}
		if r.State != want {
			t.Errorf("%s to %s, %s: it is %s", c.state, c.next, c.due, r.State)
		}
	}
}

func TestARechargeIsExpiredFromItsInstantOn(t *testing.T) {
	t.Parallel()
	for state, want := range map[models.RechargeState][3]models.RechargeState{
		"PENDING": {"PENDING", "EXPIRED", "EXPIRED"}, "CONFIRMED": {"CONFIRMED", "CONFIRMED", "CONFIRMED"},
		"CANCELLED": {"CANCELLED", "CANCELLED", "CANCELLED"}, "FAILED": {"FAILED", "FAILED", "FAILED"},
	} {
		r := models.Recharge{State: state, ExpiresAt: noon}
		got := [3]models.RechargeState{r.StateAt(noon.Add(-1)), r.StateAt(noon), r.StateAt(noon.Add(1))}
		if got != want {
			t.Errorf("%s: %v, want %v", state, got, want)
		}
	}
}

func TestAClaimARemittanceAndAnAgreementEndOnce(t *testing.T) {
	t.Parallel()
	remittance := models.Remittance{ID: "rmt_1", State: models.RemittanceUnclaimed, AmountMinor: 7}
	claim := models.RemittanceClaim{ID: "rmc_1", State: models.ClaimPendingReview, AmountMinor: 9}
	agreement := models.PayerAgreement{State: models.PayerAgreementActive, ValidFrom: noon, ValidUntil: noon.Add(time.Hour)}
	for at, want := range map[time.Duration]bool{-1: false, 0: true, time.Hour - 1: true, time.Hour: false} {
		if got := agreement.InForceAt(noon.Add(at)); got != want {
			t.Errorf("in force after %s: %v", at, got)
		}
	}
	first := []string{
		refusalReason(t, remittance.Credit(claim.ID, "", noon)), refusalReason(t, claim.Credit(remittance, noon)), refusalReason(t, agreement.Void(noon)),
	}
	again := []string{
		refusalReason(t, remittance.Credit(claim.ID, "", noon)), refusalReason(t, claim.Credit(remittance, noon)), refusalReason(t, agreement.Void(noon)),
	}
	if diff := cmp.Diff([]string{"", "", ""}, first); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"REMITTANCE_CREDITED", "CLAIM_CREDITED", "AGREEMENT_VOIDED"}, again); diff != "" {
		t.Error(diff)
	}
	if credited := claim.Credited(); credited == nil || credited.Minor != 7 {
		t.Errorf("credited %v, want what arrived", credited)
	}
	if agreement.InForceAt(noon) {
		t.Error("a voided agreement is in force")
	}
	rejected := models.RemittanceClaim{State: models.ClaimRejected}
	if got := refusalReason(t, rejected.Credit(remittance, noon)); got != "CLAIM_REJECTED" {
		t.Errorf("a rejected claim: %q", got)
	}
}

// Banks write the same name in many ways.
func TestPayersNamesAreComparedAsBanksWriteThem(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"ACME Trading Co., Ltd.", "  acme  trading CO., LTD. ", "ＡＣＭＥ　Trading Co.， Ltd．", "Acme\u00a0Trading Co., Ltd."} {
		if got := models.PayerKey(name); got != "acme trading co., ltd." {
			t.Errorf("%q is compared as %q", name, got)
		}
	}
	if models.PayerKey("张三") == models.PayerKey("张四") {
		t.Error("different names are compared as equal")
	}
}

func TestDaysAreChecked(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"2026-11-21": true, "2024-02-29": true, "2026-02-29": false, "2026-11-31": false, "2026-1-2": false, "20261121": false, "": false,
		"2026-11-21T00:00:00Z": false, "12026-11-21": false,
	} {
		if _, err := models.ParseDate(text, "receivedOn"); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
	if got := models.DateOf(time.Date(2026, 11, 22, 1, 0, 0, 0, time.FixedZone("UTC+8", 8*60*60))); got != "2026-11-21" {
		t.Errorf("the day in UTC is %s", got)
	}
}

// reason is the reason of a refusal; "" for none.
func refusalReason(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var refused *models.Error
	if !errors.As(err, &refused) {
		t.Fatalf("%v is no refusal", err)
	}
	return refused.Reason()
}
