package models_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
)

// TestApplicationsMoveAsTheTableSays tries every move from every state of every kind: those of 4.2, N05, N09 and N10 are made, and every other is
// refused with its reason.
func TestApplicationsMoveAsTheTableSays(t *testing.T) {
	t.Parallel()
	legal := map[models.BenefitKind][]string{
		models.BenefitUplift: {
			"DRAFT EDIT DRAFT", "DRAFT SUBMIT APPLIED", "DRAFT DELETE DELETED", "DRAFT LAPSE LAPSED", "APPLIED START_REVIEW REVIEWING",
			"REVIEWING APPROVE APPROVED", "REVIEWING REJECT REJECTED", "APPROVED INVOICE INVOICED", "INVOICED ACCEPT_INVOICE AWAITING_PAYMENT",
			"AWAITING_PAYMENT PAY PAID",
		},
		models.BenefitMDF: {
			"REVIEWING APPROVE APPROVED", "REVIEWING REJECT REJECTED", "REVIEWING WITHDRAW WITHDRAWN", "APPROVED WITHDRAW WITHDRAWN",
			"WITHDRAWN EDIT WITHDRAWN", "WITHDRAWN DELETE DELETED", "WITHDRAWN SUBMIT REVIEWING", "APPROVED PROVE PROOF_REVIEWING",
			"PROOF_REVIEWING ACCEPT_PROOF AWAITING_PAYMENT", "PROOF_REVIEWING REFUSE_PROOF APPROVED", "AWAITING_PAYMENT PAY PAID",
		},
		models.BenefitOpportunity: {
			"REVIEWING APPROVE PUBLICISED", "REVIEWING REJECT REJECTED", "PUBLICISED REJECT REJECTED", "PUBLICISED END_PUBLICITY AWAITING_PAYMENT",
			"AWAITING_PAYMENT PAY PAID",
		},
	}
	reasons := map[models.BenefitStatus]string{
		models.BenefitDraft: "BENEFIT_DRAFT", models.BenefitApplied: "BENEFIT_APPLIED", models.BenefitReviewing: "BENEFIT_REVIEWING",
		models.BenefitApproved: "BENEFIT_APPROVED", models.BenefitRejected: "BENEFIT_REJECTED", models.BenefitWithdrawn: "BENEFIT_WITHDRAWN",
		models.BenefitDeleted: "BENEFIT_DELETED", models.BenefitLapsed: "BENEFIT_LAPSED", models.BenefitProving: "BENEFIT_PROOF_REVIEWING",
		models.BenefitPublicised: "BENEFIT_PUBLICISED", models.BenefitInvoiced: "BENEFIT_INVOICED", models.BenefitAwaiting: "BENEFIT_AWAITING_PAYMENT",
		models.BenefitPaid: "BENEFIT_PAID",
	}
	now := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	for kind, rows := range legal {
		var made []string
		for _, status := range models.BenefitStatuses() {
			for _, move := range models.BenefitMoves() {
				row := models.BenefitApplication{Kind: kind, Status: status}
				before, err := row.Move(move, now)
				if err == nil {
					made = append(made, string(before)+" "+string(move)+" "+string(row.Status))
					continue
				}
				want := reasons[status]
				if !slices.ContainsFunc(rows, func(r string) bool { return cmp.Equal(words(r)[1], string(move)) }) {
					want = "BENEFIT_KIND"
				}
				if got := models.ReasonOf(err); got != want || row.Status != status {
					t.Errorf("%s: %s of %s: %q, want %q; then %s", kind, move, status, got, want, row.Status)
				}
			}
		}
		slices.Sort(made)
		slices.Sort(rows)
		if diff := cmp.Diff(rows, made); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kind, diff)
		}
	}
	stranger := models.BenefitApplication{Kind: "ANOTHER", Status: models.BenefitDraft}
	if _, err := stranger.Move(models.MoveSubmit, now); models.ReasonOf(err) != "BENEFIT_KIND" {
		t.Errorf("an unknown kind: %v", err)
	}
}

func words(row string) (all []string) {
	at := 0
	for i, r := range row + " " {
		if r == ' ' {
			all, at = append(all, row[at:i]), i+1
		}
	}
	return all
}

// TestWithdrawingForgetsTheDecision: what was approved does not count for the next request.
func TestWithdrawingForgetsTheDecision(t *testing.T) {
	t.Parallel()
	minor, then := int64(5), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	row := models.BenefitApplication{Kind: models.BenefitMDF, Status: models.BenefitApproved, ApprovedMinor: &minor, DecidedAt: &then, Opinion: "proof unclear"}
	if _, err := row.Move(models.MoveWithdraw, then); err != nil || row.ApprovedMinor != nil || row.DecidedAt != nil || row.Opinion != "" {
		t.Errorf("%v %+v", err, row)
	}
}

// TestEveryBlockerOfTheUpliftIsProduced changes one fact at a time of a partner that may apply (N05, N06).
func TestEveryBlockerOfTheUpliftIsProduced(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	granted := func(at time.Time) *models.PartnerCapability {
		return &models.PartnerCapability{State: models.CapabilityGranted, DecidedAt: &at}
	}
	facts := func(change func(*models.UpliftFacts)) models.UpliftFacts {
		f := models.UpliftFacts{
			Now: now, Partner: models.Partner{Kind: models.SolutionProvider, State: models.PartnerActive, Country: "CN"},
			Standing: models.BenefitStanding{Path: models.PathService, Stage: models.StageCertified},
			Tag:      models.CapabilityTag{Level: 1, Scope: models.TagChina, Active: true}, Capability: granted(now.AddDate(0, -1, 0)),
		}
		change(&f)
		return f
	}
	for name, row := range map[string]struct {
		change func(*models.UpliftFacts)
		want   []models.BenefitBlock
	}{
		"nothing":                {func(*models.UpliftFacts) {}, nil},
		"a further stage":        {func(f *models.UpliftFacts) { f.Standing.Stage = models.StageDifferentiated }, nil},
		"a reseller":             {func(f *models.UpliftFacts) { f.Partner.Kind = models.CloudReseller }, []models.BenefitBlock{"RESELLER_HAS_NO_BENEFITS"}},
		"an expired partner":     {func(f *models.UpliftFacts) { f.Partner.State = models.PartnerExpired }, []models.BenefitBlock{"PARTNER_EXPIRED"}},
		"another path":           {func(f *models.UpliftFacts) { f.Standing.Path = models.PathSoftware }, []models.BenefitBlock{"NOT_ON_SERVICE_PATH"}},
		"an earlier stage":       {func(f *models.UpliftFacts) { f.Standing.Stage = models.StageSelected }, []models.BenefitBlock{"NOT_ROLE_CERTIFIED"}},
		"no path":                {func(f *models.UpliftFacts) { f.Standing = models.BenefitStanding{} }, []models.BenefitBlock{"NOT_ON_SERVICE_PATH", "NOT_ROLE_CERTIFIED"}},
		"a retired tag":          {func(f *models.UpliftFacts) { f.Tag.Active = false }, []models.BenefitBlock{"TAG_RETIRED"}},
		"a tag of level 2":       {func(f *models.UpliftFacts) { f.Tag.Level = 2 }, []models.BenefitBlock{"TAG_NOT_LEVEL_ONE"}},
		"China's tag abroad":     {func(f *models.UpliftFacts) { f.Partner.Country = "SG" }, []models.BenefitBlock{"TAG_OUT_OF_SCOPE"}},
		"a tag for abroad":       {func(f *models.UpliftFacts) { f.Tag.Scope = models.TagOverseas }, []models.BenefitBlock{"TAG_OUT_OF_SCOPE"}},
		"abroad, a tag for it":   {func(f *models.UpliftFacts) { f.Tag.Scope, f.Partner.Country = models.TagOverseas, "SG" }, nil},
		"abroad, a global tag":   {func(f *models.UpliftFacts) { f.Tag.Scope, f.Partner.Country = models.TagGlobal, "SG" }, nil},
		"no tag":                 {func(f *models.UpliftFacts) { f.Capability = nil }, []models.BenefitBlock{"TAG_NOT_GRANTED"}},
		"a tag applied for":      {func(f *models.UpliftFacts) { f.Capability.State = models.CapabilityApplied }, []models.BenefitBlock{"TAG_NOT_GRANTED"}},
		"last year's tag":        {func(f *models.UpliftFacts) { f.Capability = granted(time.Date(2025, 12, 31, 15, 59, 59, 0, time.UTC)) }, []models.BenefitBlock{"RIGHT_LAPSED"}},
		"this year's, in UTC+8":  {func(f *models.UpliftFacts) { f.Capability = granted(time.Date(2025, 12, 31, 16, 0, 0, 0, time.UTC)) }, nil},
		"a right that lapsed":    {func(f *models.UpliftFacts) { f.Capability.LapsedAt = &now }, []models.BenefitBlock{"RIGHT_LAPSED"}},
		"an application":         {func(f *models.UpliftFacts) { f.Used = true }, []models.BenefitBlock{"TAG_USED"}},
		"an application of then": {func(f *models.UpliftFacts) { f.Used, f.Capability = true, granted(now.AddDate(-1, 0, 0)) }, []models.BenefitBlock{"TAG_USED"}},
	} {
		var got []models.BenefitBlock
		for _, blocker := range facts(row.change).Blockers() {
			if blocker.Message == "" {
				t.Errorf("%s: %s says nothing", name, blocker.Code)
			}
			got = append(got, blocker.Code)
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestARefusalNamesAllThatStandsInTheWay: the reason is the first, the details have every one.
func TestARefusalNamesAllThatStandsInTheWay(t *testing.T) {
	t.Parallel()
	if models.BenefitRefusal(nil) != nil {
		t.Error("nothing stands in the way")
	}
	err := models.AsError(models.BenefitRefusal([]models.BenefitBlocker{models.BlockPath.Blocker(), models.BlockStage.Blocker()}))
	if err.Reason() != "NOT_ON_SERVICE_PATH" || !cmp.Equal(err.Details["blockers"], []string{"NOT_ON_SERVICE_PATH", "NOT_ROLE_CERTIFIED"}) {
		t.Errorf("%+v", err)
	}
}

// TestAFailedTagWaitsSixMonths (P19).
func TestAFailedTagWaitsSixMonths(t *testing.T) {
	t.Parallel()
	failed := time.Date(2026, 5, 20, 8, 0, 0, 0, time.UTC)
	have := &models.PartnerCapability{State: models.CapabilityFailed, DecidedAt: &failed}
	tag := models.CapabilityTag{Active: true}
	for at, want := range map[time.Time]string{
		failed.AddDate(0, 6, 0).Add(-time.Second): "CAPABILITY_SUSPENDED", failed.AddDate(0, 6, 0): "",
	} {
		if got := models.ReasonOf(tag.MayApply(have, at)); got != want {
			t.Errorf("at %s: %q, want %q", at, got, want)
		}
	}
	err := models.AsError(tag.MayApply(have, failed))
	if err == nil || err.Details["notBefore"] != "2026-11-20T08:00:00Z" {
		t.Errorf("%+v", err)
	}
}

// TestThePartOfTheFund is N08 row by row; who belongs to several classes has the highest.
func TestThePartOfTheFund(t *testing.T) {
	t.Parallel()
	const year = 2026
	caps := models.MDFCapsOf(year, []models.MDFCap{
		{Year: year, Class: models.MDFServiceTag, TagCode: "OPS_EXPERT", CapMinor: 4_000_000, Source: "test"},
		{Year: year, Class: models.MDFServiceTag, TagCode: "DATA_EXPERT", CapMinor: 6_000_000, Source: "test"},
		{Year: year, Class: models.MDFRegionThree, CapMinor: 21_000_000, Source: "test"},
	})
	if len(caps) != 9 || caps[0].Class != models.MDFProviderCore || caps[7].TagCode != "DATA_EXPERT" {
		t.Errorf("%+v", caps)
	}
	for name, row := range map[string]struct {
		partner  models.Partner
		standing models.BenefitStanding
		tags     []string
		want     int64 // in minor units; 0 = no part
	}{
		"core":                   {models.Partner{Kind: models.SolutionProvider, Level: models.LevelCore}, models.BenefitStanding{}, nil, 30_000_000},
		"leading":                {models.Partner{Kind: models.SolutionProvider, Level: models.LevelLeading}, models.BenefitStanding{}, nil, 10_000_000},
		"standard":               {models.Partner{Kind: models.SolutionProvider, Level: models.LevelStandard}, models.BenefitStanding{}, nil, 0},
		"region 1":               {models.Partner{Kind: models.Distributor, Level: models.LevelCore}, models.BenefitStanding{Region: 1}, nil, 30_000_000},
		"region 2":               {models.Partner{Kind: models.Distributor}, models.BenefitStanding{Region: 2}, nil, 30_000_000},
		"region 3, replaced":     {models.Partner{Kind: models.Distributor}, models.BenefitStanding{Region: 3}, nil, 21_000_000},
		"a region not said":      {models.Partner{Kind: models.Distributor, Level: models.LevelCore}, models.BenefitStanding{}, nil, 0},
		"certified software":     {models.Partner{Kind: models.SolutionProvider}, models.BenefitStanding{Path: models.PathSoftware, Software: models.SoftwareCertified}, nil, 5_000_000},
		"advanced software":      {models.Partner{Kind: models.SolutionProvider}, models.BenefitStanding{Path: models.PathSoftware, Software: models.SoftwareAdvanced}, nil, 8_000_000},
		"the highest of several": {models.Partner{Kind: models.SolutionProvider, Level: models.LevelLeading}, models.BenefitStanding{Path: models.PathSoftware, Software: models.SoftwareAdvanced}, nil, 10_000_000},
		"service":                {models.Partner{Kind: models.SolutionProvider}, models.BenefitStanding{Path: models.PathService}, []string{"OPS_EXPERT", "DATA_EXPERT"}, 6_000_000},
		"tags without the path":  {models.Partner{Kind: models.SolutionProvider}, models.BenefitStanding{}, []string{"OPS_EXPERT"}, 0},
		"a reseller":             {models.Partner{Kind: models.CloudReseller, Level: models.LevelCore}, models.BenefitStanding{Path: models.PathService}, []string{"OPS_EXPERT"}, 0},
	} {
		var got int64
		if limit := models.MDFCapFor(row.partner, row.standing, row.tags, caps); limit != nil {
			got = limit.CapMinor
		}
		if got != row.want {
			t.Errorf("%s: %d, want %d", name, got, row.want)
		}
	}
}

// TestWorkingDays: three of them after a Friday is the next Wednesday, by the clock of UTC+8.
func TestWorkingDays(t *testing.T) {
	t.Parallel()
	for at, want := range map[string]string{
		"2026-11-16T08:00:00Z": "2026-11-19T08:00:00Z", // Monday
		"2026-11-20T08:00:00Z": "2026-11-25T08:00:00Z", // Friday
		"2026-11-20T17:00:00Z": "2026-11-24T17:00:00Z", // Saturday already
	} {
		from, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := models.WorkingDaysAfter(from, 3).Format(time.RFC3339); got != want {
			t.Errorf("after %s: %s, want %s", at, got, want)
		}
	}
}

// TestUsesAreChecked: periods and texts that make no sense.
func TestUsesAreChecked(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	for name, row := range map[string]struct {
		use  models.MarketFundUse
		want string
	}{
		"this year":     {models.MarketFundUse{Purpose: "A fair\nin two halls", From: "2026-12-01", Until: "2026-12-31"}, ""},
		"next year":     {models.MarketFundUse{Purpose: "A fair", From: "2027-12-01", Until: "2027-12-01"}, ""},
		"no purpose":    {models.MarketFundUse{Purpose: " ", From: "2026-12-01", Until: "2026-12-31"}, "purpose"},
		"a control":     {models.MarketFundUse{Purpose: "a\x00b", From: "2026-12-01", Until: "2026-12-31"}, "purpose"},
		"no day":        {models.MarketFundUse{Purpose: "A fair", From: "2026-02-30", Until: "2026-12-31"}, "from"},
		"no last day":   {models.MarketFundUse{Purpose: "A fair", From: "2026-12-01", Until: "soon"}, "until"},
		"backwards":     {models.MarketFundUse{Purpose: "A fair", From: "2026-12-02", Until: "2026-12-01"}, "until"},
		"two years":     {models.MarketFundUse{Purpose: "A fair", From: "2026-12-31", Until: "2027-01-01"}, "until"},
		"a year gone":   {models.MarketFundUse{Purpose: "A fair", From: "2025-12-01", Until: "2025-12-02"}, "from"},
		"too far ahead": {models.MarketFundUse{Purpose: "A fair", From: "2028-12-01", Until: "2028-12-02"}, "from"},
	} {
		_, err := row.use.Check(now)
		got := ""
		if refused := models.AsError(err); refused != nil {
			got = refused.Field
		}
		if got != row.want {
			t.Errorf("%s: %q, want %q", name, got, row.want)
		}
	}
}
