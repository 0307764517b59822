package models

import (
	"slices"
	"time"

	"github.com/uptrace/bun"
)

// MDFClass says by what a partner's part of the market development fund is chosen (N08).
type MDFClass string

// The classes.
const (
	MDFProviderCore    MDFClass = "SOLUTION_PROVIDER_CORE"
	MDFProviderLeading MDFClass = "SOLUTION_PROVIDER_LEADING"
	MDFRegionOne       MDFClass = "DISTRIBUTOR_REGION_1"
	MDFRegionTwo       MDFClass = "DISTRIBUTOR_REGION_2"
	MDFRegionThree     MDFClass = "DISTRIBUTOR_REGION_3"
	MDFSoftware        MDFClass = "SOFTWARE_CERTIFIED"
	MDFAdvanced        MDFClass = "SOFTWARE_ADVANCED"
	MDFServiceTag      MDFClass = "SERVICE_TAG" // one of its tags of level 2, each with a cap of its own
)

// MDFClasses returns every class, in a fixed order.
func MDFClasses() []MDFClass {
	return []MDFClass{MDFProviderCore, MDFProviderLeading, MDFRegionOne, MDFRegionTwo, MDFRegionThree, MDFSoftware, MDFAdvanced, MDFServiceTag}
}

// Valid reports whether c is one of MDFClasses.
func (c MDFClass) Valid() bool { return slices.Contains(MDFClasses(), c) }

// MDFCap is the most that a partner of a class may have of the fund in a year, in CNY (N08).
type MDFCap struct {
	bun.BaseModel `bun:"table:mdf_caps,alias:mdc"`

	Year     int      `bun:"year,pk"`
	Class    MDFClass `bun:"class,pk"`
	TagCode  string   `bun:"tag_code,pk"` // of SERVICE_TAG; empty for the other classes
	CapMinor int64    `bun:"cap_minor"`
	Source   string   `bun:"source"` // where it is written, for people
}

// Cap returns the amount.
func (c MDFCap) Cap() Money { return NewMoney(c.CapMinor, CNY) }

// TagCodeOrNil is nil but for SERVICE_TAG.
func (c MDFCap) TagCodeOrNil() *string { return orNil(c.TagCode) }

// MDFCapSource is where the caps come from that no operator has replaced.
const MDFCapSource = "Partner policy on MDF, core and leading level, regions 1 to 3 (N08)"

// DefaultMDFCaps are the caps of a year unless operators say otherwise (N08). What tags of level 2 bring is not known and has none.
func DefaultMDFCaps(year int) (all []MDFCap) {
	for class, yuan := range map[MDFClass]int64{
		MDFProviderCore: 300_000, MDFProviderLeading: 100_000, MDFRegionOne: 300_000, MDFRegionTwo: 300_000, MDFRegionThree: 200_000,
		MDFSoftware: 50_000, MDFAdvanced: 80_000,
	} {
		all = append(all, MDFCap{Year: year, Class: class, CapMinor: yuan * 100, Source: MDFCapSource})
	}
	return all
}

// MDFCapsOf puts what operators have said in the place of the defaults of the year, in the order of the classes and tags.
func MDFCapsOf(year int, said []MDFCap) []MDFCap {
	all := DefaultMDFCaps(year)
	for _, own := range said {
		at := slices.IndexFunc(all, func(c MDFCap) bool { return c.Class == own.Class && c.TagCode == own.TagCode })
		if at < 0 {
			all = append(all, own)
			continue
		}
		all[at] = own
	}
	order := MDFClasses()
	slices.SortFunc(all, func(a, b MDFCap) int {
		if a.Class != b.Class {
			return slices.Index(order, a.Class) - slices.Index(order, b.Class)
		}
		if a.TagCode < b.TagCode {
			return -1
		}
		return 1
	})
	return all
}

// MDFCapFor is the cap of a partner: the highest of those of the classes that it belongs to, nil when it belongs to none. tags are the codes of
// its tags of level 2. Belonging to several classes does not add their caps up.
func MDFCapFor(p Partner, standing BenefitStanding, tags []string, caps []MDFCap) *MDFCap {
	var found *MDFCap
	for i, c := range caps {
		if p.inMDFClass(standing, tags, c) && (found == nil || c.CapMinor > found.CapMinor) {
			found = &caps[i]
		}
	}
	return found
}

func (p Partner) inMDFClass(standing BenefitStanding, tags []string, c MDFCap) bool {
	switch c.Class {
	case MDFProviderCore:
		return p.Kind == SolutionProvider && p.Level == LevelCore
	case MDFProviderLeading:
		return p.Kind == SolutionProvider && p.Level == LevelLeading
	case MDFRegionOne:
		return p.Kind == Distributor && standing.Region == 1
	case MDFRegionTwo:
		return p.Kind == Distributor && standing.Region == 2
	case MDFRegionThree:
		return p.Kind == Distributor && standing.Region == 3
	case MDFSoftware:
		return p.Kind.EarnsIncentives() && standing.Path == PathSoftware && standing.Software == SoftwareCertified
	case MDFAdvanced:
		return p.Kind.EarnsIncentives() && standing.Path == PathSoftware && standing.Software == SoftwareAdvanced
	case MDFServiceTag:
		return p.Kind.EarnsIncentives() && standing.Path == PathService && slices.Contains(tags, c.TagCode)
	}
	return false
}

// MDFBudget is what a partner has of the fund in a year, in CNY.
type MDFBudget struct {
	PartnerID      ID
	Year           int
	Cap            MDFCap
	RequestedMinor int64 // under review
	ApprovedMinor  int64 // approved and not paid
	PaidMinor      int64
}

// Limit is the cap.
func (b MDFBudget) Limit() Money { return b.Cap.Cap() }

// Class says by what the cap is chosen.
func (b MDFBudget) Class() MDFClass { return b.Cap.Class }

// Source is where the cap is written.
func (b MDFBudget) Source() string { return b.Cap.Source }

// Requested is the sum of what is under review.
func (b MDFBudget) Requested() Money { return NewMoney(b.RequestedMinor, CNY) }

// Approved is the sum of what was approved and not paid.
func (b MDFBudget) Approved() Money { return NewMoney(b.ApprovedMinor, CNY) }

// Paid is the sum of what was paid.
func (b MDFBudget) Paid() Money { return NewMoney(b.PaidMinor, CNY) }

// Left is what may still be asked for; negative when the cap was lowered below what lives.
func (b MDFBudget) Left() Money {
	return NewMoney(b.Cap.CapMinor-b.RequestedMinor-b.ApprovedMinor-b.PaidMinor, CNY)
}

// Add counts a sum of applications in a state. What was withdrawn, deleted or rejected does not count.
func (b *MDFBudget) Add(status BenefitStatus, minor int64) {
	switch status {
	case BenefitReviewing:
		b.RequestedMinor += minor
	case BenefitApproved, BenefitProving, BenefitAwaiting:
		b.ApprovedMinor += minor
	case BenefitPaid:
		b.PaidMinor += minor
	case BenefitDraft, BenefitApplied, BenefitRejected, BenefitWithdrawn, BenefitDeleted, BenefitLapsed, BenefitPublicised, BenefitInvoiced:
	}
}

// The refusals of the market development fund.
var (
	ErrNoMDF    = Precondition("NO_MDF_CAP", "The partner belongs to no class that has a part of the market development fund (N08).")
	errMDFSpent = Precondition("MDF_CAP_EXCEEDED", "The partner's part of the market development fund does not suffice (N08).")
)

// MDFExceeded is the refusal of a request for more than is left, which the details tell.
func (b MDFBudget) MDFExceeded() error {
	refused := *errMDFSpent
	refused.Details = map[string]any{
		"reason": refused.Reason(), "cap": b.Limit().Amount().StringFixed(2), "left": b.Left().Amount().StringFixed(2), "year": b.Year,
	}
	return &refused
}

// MaxMDFPurpose bounds what a purpose says, in characters.
const MaxMDFPurpose = 1000

// Check applies the rules for a use of the fund: a purpose of 1 to MaxMDFPurpose characters, and a period within one calendar year, this one or the
// next. It returns that year.
func (u MarketFundUse) Check(now time.Time) (int, error) {
	if err := CheckText(u.Purpose, "purpose", MaxMDFPurpose, true); err != nil {
		return 0, err
	}
	from, err := time.Parse(time.DateOnly, string(u.From))
	if err != nil {
		return 0, Invalid("from", "A date is a day such as 2026-11-21.")
	}
	until, err := time.Parse(time.DateOnly, string(u.Until))
	if err != nil {
		return 0, Invalid("until", "A date is a day such as 2026-11-21.")
	}
	this := BenefitYear(now)
	switch {
	case until.Before(from):
		return 0, Invalid("until", "The period ends before it begins.")
	case from.Year() != until.Year():
		return 0, Invalid("until", "A period lies in one calendar year, whose part of the fund it uses.")
	case from.Year() != this && from.Year() != this+1:
		return 0, Invalid("from", "The period begins in this year or the next.")
	}
	return from.Year(), nil
}
