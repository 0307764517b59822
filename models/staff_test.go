package models_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
)

// TestStaffMovesAreThoseOfTheTable walks every state to every other, of schemes, months and payments: what is allowed is what N07 says, and
// everything else has its reason with the state.
func TestStaffMovesAreThoseOfTheTable(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	scheme := map[string]bool{
		"INVITED REQUESTED": true, "INVITED REVOKED": true, "INVITED LAPSED": true, "REQUESTED APPROVED": true, "REQUESTED REJECTED": true,
		"REQUESTED WITHDRAWN": true, "REQUESTED LAPSED": true, "WITHDRAWN REQUESTED": true, "WITHDRAWN REVOKED": true, "WITHDRAWN LAPSED": true,
	}
	for _, from := range models.StaffSchemeStates() {
		for _, to := range models.StaffSchemeStates() {
			row := models.StaffScheme{State: from}
			wantMove(t, row.Become(to, now), scheme[string(from)+" "+string(to)], "STAFF_SCHEME_STATE", string(from), string(to), string(row.State))
		}
		if err := (models.StaffScheme{State: from}).Running(); (err == nil) != (from == models.StaffApproved) {
			t.Errorf("%s runs: %v", from, err)
		}
	}
	month := map[string]bool{
		"APPLIED CONFIRMED": true, "APPLIED REJECTED": true, "APPLIED WITHDRAWN": true, "REJECTED APPLIED": true, "WITHDRAWN APPLIED": true,
	}
	for _, from := range models.StaffMonthStates() {
		for _, to := range models.StaffMonthStates() {
			row := models.StaffMonth{State: from}
			wantMove(t, row.Become(to, now), month[string(from)+" "+string(to)], "STAFF_MONTH_STATE", string(from), string(to), string(row.State))
		}
	}
	payment := map[string]bool{
		"REQUESTED APPROVED": true, "REQUESTED REJECTED": true, "REQUESTED WITHDRAWN": true, "APPROVED AWAITING_VENDOR_PAYMENT": true,
		"APPROVED WITHDRAWN": true, "AWAITING_VENDOR_PAYMENT PAID": true,
	}
	for _, from := range models.StaffPaymentStates() {
		for _, to := range models.StaffPaymentStates() {
			row := models.StaffPayment{State: from}
			wantMove(t, row.Become(to, now), payment[string(from)+" "+string(to)], "STAFF_PAYMENT_STATE", string(from), string(to), string(row.State))
		}
	}
	approved := models.StaffPayment{State: models.StaffPaymentApproved}
	if err := approved.Post("INV-1", now); models.ReasonOf(err) != "STAFF_LIST_NOT_PRINTED" {
		t.Errorf("posted before it was printed: %v", err)
	}
}

func wantMove(t *testing.T, err error, allowed bool, reason, from, to, is string) {
	t.Helper()
	if allowed {
		if err != nil || is != to {
			t.Errorf("%s to %s: %v, is %s", from, to, err, is)
		}
		return
	}
	refused := models.AsError(err)
	if refused == nil || refused.Reason() != reason || refused.Details["state"] != from || is != from {
		t.Errorf("%s to %s: %v, is %s", from, to, err, is)
	}
}

// TestStaffMonthsAreWorthExactly: nothing is rounded before the quarter is, and that once, half away from zero.
func TestStaffMonthsAreWorthExactly(t *testing.T) {
	t.Parallel()
	d := decimal.RequireFromString
	scheme := models.StaffScheme{Criteria: []models.StaffCriterion{{Code: "BASE", Name: "Base", Weight: d("0.7")}, {Code: "BONUS", Name: "Bonus", Weight: d("0.3")}}}
	for name, tt := range map[string]struct {
		met  []string
		want string
	}{"none": {nil, "0"}, "one": {[]string{"BASE"}, "0.7"}, "all": {[]string{"BONUS", "BASE"}, "1"}} {
		if share, err := scheme.Share(tt.met, "met"); err != nil || !share.Equal(d(tt.want)) {
			t.Errorf("%s: %s %v", name, share, err)
		}
	}
	for _, met := range [][]string{{"OTHER"}, {"BASE", "BASE"}} {
		if _, err := scheme.Share(met, "met"); models.CodeOf(err) != models.CodeInvalid {
			t.Errorf("%v: %v", met, err)
		}
	}
	if share, err := (models.StaffScheme{}).Share(nil, "met"); err != nil || !share.Equal(d("1")) {
		t.Errorf("without criteria: %s %v", share, err)
	}
	// Three times 0.00333333 is less than a cent by itself each, and one together.
	one := models.StaffMonth{Exact: models.StaffAmount(d("1"), d("0.00333333"), d("1"))}
	exact, minor := models.StaffPaymentTotal([]models.StaffMonth{one, one, one}, models.CNY)
	if !exact.Equal(d("0.00999999")) || minor != 1 {
		t.Errorf("%s %d", exact, minor)
	}
	half := models.StaffMonth{Exact: d("10.005")}
	if _, minor := models.StaffPaymentTotal([]models.StaffMonth{half}, models.CNY); minor != 1001 {
		t.Errorf("half a cent: %d", minor)
	}
}

// TestStaffDaysLieInTheMonth counts the days on which a person was there.
func TestStaffDaysLieInTheMonth(t *testing.T) {
	t.Parallel()
	person := models.StaffMember{From: "2026-02-10", Until: "2026-04-01"}
	want := map[models.BillingCycle]int{"2026-01": 0, "2026-02": 19, "2026-03": 31, "2026-04": 1, "2026-05": 0}
	got := map[models.BillingCycle]int{}
	for month := range want {
		got[month] = person.DaysIn(month)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if ends := models.StaffQuarterEnds(2026, 4); !ends.Equal(time.Date(2026, 12, 31, 16, 0, 0, 0, time.UTC)) {
		t.Errorf("the year's last quarter ends %s", ends)
	}
	if diff := cmp.Diff([]models.BillingCycle{"2026-07", "2026-08", "2026-09"}, models.StaffQuarterMonths(2026, 3)); diff != "" {
		t.Error(diff)
	}
}

// TestBadInvitationsToStaffSchemesAreRefused, each by its field.
func TestBadInvitationsToStaffSchemesAreRefused(t *testing.T) {
	t.Parallel()
	d := decimal.RequireFromString
	good := func() models.StaffScheme {
		return models.StaffScheme{
			Code: "FH", Name: "A scheme", HeadCount: 2, AgreementVersion: "2026-1", Rates: []models.StaffRate{{Role: "ENGINEER", DayRate: d("812.34567891")}},
			Criteria: []models.StaffCriterion{{Code: "BASE", Name: "Base", Weight: d("1")}},
		}
	}
	if err := good().Check(); err != nil {
		t.Fatal(err)
	}
	for field, change := range map[string]func(*models.StaffScheme){
		"code":               func(s *models.StaffScheme) { s.Code = "fh" },
		"name":               func(s *models.StaffScheme) { s.Name = " " },
		"headCount":          func(s *models.StaffScheme) { s.HeadCount = 101 },
		"agreementVersion":   func(s *models.StaffScheme) { s.AgreementVersion = "" },
		"rates":              func(s *models.StaffScheme) { s.Rates = nil },
		"rates[0].role":      func(s *models.StaffScheme) { s.Rates[0].Role = "x" },
		"rates[1].role":      func(s *models.StaffScheme) { s.Rates = append(s.Rates, s.Rates[0]) },
		"rates[0].dayRate":   func(s *models.StaffScheme) { s.Rates[0].DayRate = d("0.000000001") },
		"criteria":           func(s *models.StaffScheme) { s.Criteria[0].Weight = d("0.5") },
		"criteria[0].weight": func(s *models.StaffScheme) { s.Criteria[0].Weight = d("1.5") },
		"criteria[0].code":   func(s *models.StaffScheme) { s.Criteria[0].Code = "" },
		"criteria[1].code":   func(s *models.StaffScheme) { s.Criteria = append(s.Criteria, s.Criteria[0]) },
		"criteria[0].name":   func(s *models.StaffScheme) { s.Criteria[0].Name = "" },
	} {
		row := good()
		change(&row)
		if e := models.AsError(row.Check()); e == nil || e.Code != models.CodeInvalid || e.Field != field {
			t.Errorf("%s: %v", field, e)
		}
	}
	for _, text := range []string{"1234", "12345678901234567890123456789012", "12345é", ""} {
		if _, err := models.NormalNationalID(text, "nationalId"); models.CodeOf(err) != models.CodeInvalid {
			t.Errorf("%q: %v", text, err)
		}
	}
	if normal, err := models.NormalNationalID("11010-1 19900307 123x", "nationalId"); err != nil || normal != "11010119900307123X" {
		t.Errorf("%q %v", normal, err)
	}
}
