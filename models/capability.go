package models

import (
	"regexp"
	"slices"
	"time"

	"github.com/uptrace/bun"
)

// MaxCapabilityTags bounds the catalogue of tags, which is read as a whole.
const MaxCapabilityTags = 40

// CapabilitySuspension is how many months a tag cannot be applied for after it was failed (P19).
const CapabilitySuspension = 6

// TagScope says in which countries a tag is in the capability-uplift programme (N06).
type TagScope string

// The scopes.
const (
	TagGlobal   TagScope = "GLOBAL"
	TagChina    TagScope = "CHINA"
	TagOverseas TagScope = "OVERSEAS" // everywhere but in China
)

// Valid reports whether s is one of the scopes.
func (s TagScope) Valid() bool { return s == TagGlobal || s == TagChina || s == TagOverseas }

// Covers reports whether partners of a country, ISO 3166-1 alpha-2, are within the scope.
func (s TagScope) Covers(country string) bool {
	return s == TagGlobal || (s == TagChina) == (country == "CN")
}

// CapabilityTag is a capability that partners may have certified (P19). Operators keep the catalogue.
type CapabilityTag struct {
	bun.BaseModel `bun:"table:capability_tags,alias:cpt"`

	Code   string   `bun:"code,pk"` // upper-case words, such as BIG_DATA
	Name   string   `bun:"name"`
	Level  int      `bun:"level"` // 1 or 2
	Scope  TagScope `bun:"scope"`
	Active bool     `bun:"is_active"` // false = it can neither be applied for nor brings an incentive any more
}

var tagCode = regexp.MustCompile(`^[A-Z][A-Z0-9_]{1,39}$`)

// CheckTagCode applies the rule for codes: 2 to 40 upper-case letters, digits and underscores, a letter first. The error is INVALID.
func CheckTagCode(code, field string) error {
	if !tagCode.MatchString(code) {
		return Invalid(field, "A code has 2 to 40 upper-case letters, digits and underscores, such as BIG_DATA.")
	}
	return nil
}

// DevelopmentPath is the path that a partner has chosen (P02).
type DevelopmentPath string

// The paths.
const (
	PathSoftware    DevelopmentPath = "SOFTWARE"
	PathService     DevelopmentPath = "SERVICE"
	PathIntegration DevelopmentPath = "SYSTEM_INTEGRATION"
	PathLearning    DevelopmentPath = "LEARNING"
	PathDistributor DevelopmentPath = "DISTRIBUTION"
)

// Valid reports whether p is one of the paths.
func (p DevelopmentPath) Valid() bool {
	return slices.Contains([]DevelopmentPath{PathSoftware, PathService, PathIntegration, PathLearning, PathDistributor}, p)
}

// PathStage is how far a partner has come on its path (P02).
type PathStage string

// The stages, in order.
const (
	StageSelected       PathStage = "ROLE_SELECTED"
	StageCertified      PathStage = "ROLE_CERTIFIED"
	StageDifferentiated PathStage = "DIFFERENTIATED"
)

// Valid reports whether s is one of the stages.
func (s PathStage) Valid() bool {
	return s == StageSelected || s == StageCertified || s == StageDifferentiated
}

// Certified reports whether role certification was passed.
func (s PathStage) Certified() bool { return s == StageCertified || s == StageDifferentiated }

// SoftwareStanding is the rank of a partner on the software path (N08).
type SoftwareStanding string

// The ranks.
const (
	SoftwareCertified SoftwareStanding = "CLOUD_SOFTWARE_CERTIFIED"
	SoftwareAdvanced  SoftwareStanding = "ADVANCED"
)

// Valid reports whether s is one of the ranks.
func (s SoftwareStanding) Valid() bool { return s == SoftwareCertified || s == SoftwareAdvanced }

// BenefitStanding is what benefits depend on beside a partner's kind and level. There is a row for every partner that ever asked, which is
// locked for whatever must be decided one after the other.
type BenefitStanding struct {
	bun.BaseModel `bun:"table:benefit_standings,alias:bsd"`

	PartnerID ID               `bun:"partner_id,pk"`
	Path      DevelopmentPath  `bun:"path,nullzero"`     // empty = none
	Stage     PathStage        `bun:"stage,nullzero"`    // empty without a path
	Region    int              `bun:"region,nullzero"`   // of a distributor, 1 to 3 (N08); 0 = not said
	Software  SoftwareStanding `bun:"software,nullzero"` // empty = none
	PCESince  *time.Time       `bun:"pce_since"`         // since when it is in the co-exploration programme (P07); nil = it is not
	UpdatedAt time.Time        `bun:"updated_at"`
}

// PathOrNil is nil without a path.
func (s BenefitStanding) PathOrNil() *DevelopmentPath { return orNil(s.Path) }

// StageOrNil is nil without a path.
func (s BenefitStanding) StageOrNil() *PathStage { return orNil(s.Stage) }

// RegionOrNil is nil when nothing is said.
func (s BenefitStanding) RegionOrNil() *int {
	if s.Region == 0 {
		return nil
	}
	return &s.Region
}

// SoftwareOrNil is nil without a rank.
func (s BenefitStanding) SoftwareOrNil() *SoftwareStanding { return orNil(s.Software) }

// CapabilityState is how a partner stands with a tag.
type CapabilityState string

// The states.
const (
	CapabilityApplied CapabilityState = "APPLIED"
	CapabilityGranted CapabilityState = "GRANTED"
	CapabilityFailed  CapabilityState = "FAILED"
)

// PartnerCapability is how a partner stands with a tag that it has applied for.
type PartnerCapability struct {
	bun.BaseModel `bun:"table:partner_capabilities,alias:pcp"`

	ID        ID              `bun:"id,pk"`
	PartnerID ID              `bun:"partner_id"`
	TagCode   string          `bun:"tag_code"`
	State     CapabilityState `bun:"state"`
	Opinion   string          `bun:"opinion,nullzero"` // why it was failed
	AppliedAt time.Time       `bun:"applied_at"`
	DecidedAt *time.Time      `bun:"decided_at"` // when it was granted or failed; nil before
	LapsedAt  *time.Time      `bun:"lapsed_at"`  // since when the right to the incentive is over (N05); nil = it is not
	UpdatedAt time.Time       `bun:"updated_at"`
}

// NodeID returns the id to page by.
func (c PartnerCapability) NodeID() ID { return c.ID }

// SuspendedUntil is until when a tag that was failed cannot be applied for again (P19); the zero time for any other.
func (c PartnerCapability) SuspendedUntil() time.Time {
	if c.State != CapabilityFailed || c.DecidedAt == nil {
		return time.Time{}
	}
	return c.DecidedAt.AddDate(0, CapabilitySuspension, 0)
}

// The refusals of capabilities, with machine-readable reasons.
var (
	ErrTagRetired           = Precondition("TAG_RETIRED", "This tag is not certified any more.")
	ErrCapabilityApplied    = Precondition("CAPABILITY_APPLIED", "The partner has applied for this tag; wait for the decision.")
	ErrCapabilityGranted    = Precondition("CAPABILITY_GRANTED", "The partner has this tag.")
	ErrCapabilityDecided    = Precondition("CAPABILITY_DECIDED", "It was decided before.")
	ErrBenefitsNotReseller  = Precondition("RESELLER_HAS_NO_BENEFITS", "A cloud reseller has no benefits of the cloud's; its distributor has (P12, P14).")
	errCapabilitySuspension = Precondition("CAPABILITY_SUSPENDED", "The tag was failed less than six months ago (P19).")
)

// MayApply says why a tag cannot be applied for now, or nil. have is how the partner stands with it, nil when it never applied. Reasons:
// TAG_RETIRED, CAPABILITY_APPLIED, CAPABILITY_GRANTED, and CAPABILITY_SUSPENDED with until when in the details (P19).
func (t CapabilityTag) MayApply(have *PartnerCapability, now time.Time) error {
	switch {
	case !t.Active:
		return ErrTagRetired
	case have == nil:
		return nil
	case have.State == CapabilityApplied:
		return ErrCapabilityApplied
	case have.State == CapabilityGranted:
		return ErrCapabilityGranted
	}
	if until := have.SuspendedUntil(); now.Before(until) {
		refused := *errCapabilitySuspension
		refused.Details = map[string]any{"reason": refused.Reason(), "notBefore": until.UTC().Format(time.RFC3339)}
		return &refused
	}
	return nil
}

// BenefitYear is the year that an instant falls in, in UTC+8.
func BenefitYear(at time.Time) int { return at.In(time.FixedZone("UTC+8", 8*60*60)).Year() }

// BenefitYearEnds is the first moment after a year, in UTC+8: what is granted in it lapses then (N05).
func BenefitYearEnds(year int) time.Time {
	return time.Date(year+1, time.January, 1, 0, 0, 0, 0, time.FixedZone("UTC+8", 8*60*60)).UTC()
}

// BenefitBlock is the machine-readable reason why a partner has no right to a benefit. The same word is the reason of
// PRECONDITION_FAILED.
type BenefitBlock string

// What stands in the way of the capability-uplift incentive (N05, N06).
const (
	BlockResellerBenefit BenefitBlock = "RESELLER_HAS_NO_BENEFITS"
	BlockPartnerExpired  BenefitBlock = "PARTNER_EXPIRED"
	BlockPath            BenefitBlock = "NOT_ON_SERVICE_PATH"
	BlockStage           BenefitBlock = "NOT_ROLE_CERTIFIED"
	BlockTagRetired      BenefitBlock = "TAG_RETIRED"
	BlockTagLevel        BenefitBlock = "TAG_NOT_LEVEL_ONE"
	BlockTagScope        BenefitBlock = "TAG_OUT_OF_SCOPE"
	BlockNotGranted      BenefitBlock = "TAG_NOT_GRANTED"
	BlockLapsed          BenefitBlock = "RIGHT_LAPSED"
	BlockUsed            BenefitBlock = "TAG_USED"
)

// text says for people what a reason means.
func (b BenefitBlock) text() string {
	switch b {
	case BlockResellerBenefit:
		return "A cloud reseller has no benefits of the cloud's; its distributor has (P12, P14)."
	case BlockPartnerExpired:
		return "The partner's membership has run out."
	case BlockPath:
		return "The partner is not on the service path (N05)."
	case BlockStage:
		return "The partner has not passed role certification (N05)."
	case BlockTagRetired:
		return "This tag is not certified any more."
	case BlockTagLevel:
		return "The incentive is for tags of level 1 (N05)."
	case BlockTagScope:
		return "The tag brings no incentive in the partner's region (N06)."
	case BlockNotGranted:
		return "The partner does not have this tag."
	case BlockLapsed:
		return "The right has lapsed: it was good until 31 December of the year in which the tag was granted (N05)."
	case BlockUsed:
		return "There is an application for this tag; a partner has one (N05)."
	}
	return ""
}

// BenefitBlocker is one thing that stands in the way.
type BenefitBlocker struct {
	Code    BenefitBlock
	Message string
}

// Blocker returns the blocker for a reason.
func (b BenefitBlock) Blocker() BenefitBlocker { return BenefitBlocker{b, b.text()} }

// BenefitRefusal is the refusal for what stands in the way, or nil when nothing does: that of the first blocker, with the codes of all in
// Details["blockers"].
func BenefitRefusal(blockers []BenefitBlocker) error {
	if len(blockers) == 0 {
		return nil
	}
	codes := make([]string, len(blockers))
	for i, blocker := range blockers {
		codes[i] = string(blocker.Code)
	}
	refused := &Error{Code: CodePreconditionFailed, Message: blockers[0].Message, Details: map[string]any{"reason": codes[0], "blockers": codes}}
	return refused
}

// UpliftFacts are all that decides about a partner's right to the capability-uplift incentive for one tag.
type UpliftFacts struct {
	Now        time.Time
	Partner    Partner
	Standing   BenefitStanding
	Tag        CapabilityTag
	Capability *PartnerCapability // nil = the partner never applied for the tag
	Used       bool               // there is an application for it, in whatever state but DRAFT and DELETED
}

// Blockers returns everything that keeps the partner from applying (N05, N06); none means that it may.
func (f UpliftFacts) Blockers() (found []BenefitBlocker) {
	when := func(holds bool, code BenefitBlock) {
		if holds {
			found = append(found, code.Blocker())
		}
	}
	granted := f.Capability != nil && f.Capability.State == CapabilityGranted && f.Capability.DecidedAt != nil
	when(!f.Partner.Kind.EarnsIncentives(), BlockResellerBenefit)
	when(f.Partner.State == PartnerExpired, BlockPartnerExpired)
	when(f.Standing.Path != PathService, BlockPath)
	when(!f.Standing.Stage.Certified(), BlockStage)
	when(!f.Tag.Active, BlockTagRetired)
	when(f.Tag.Level != 1, BlockTagLevel)
	when(!f.Tag.Scope.Covers(f.Partner.Country), BlockTagScope)
	when(!granted, BlockNotGranted)
	when(granted && !f.Used && (f.Capability.LapsedAt != nil || BenefitYear(*f.Capability.DecidedAt) != BenefitYear(f.Now)), BlockLapsed)
	when(f.Used, BlockUsed)
	return found
}

// CapabilityStatus is how a partner stands with one tag of the catalogue, and whether it may apply for the incentive that the tag brings.
type CapabilityStatus struct {
	Tag           CapabilityTag
	Capability    *PartnerCapability // nil = it never applied for the tag
	Blockers      []BenefitBlocker
	ApplicationID ID // for the incentive; zero = none
}

// CapabilityID is nil for a tag that the partner never applied for.
func (s CapabilityStatus) CapabilityID() *ID {
	if s.Capability == nil {
		return nil
	}
	return &s.Capability.ID
}

// State is nil for a tag that the partner never applied for.
func (s CapabilityStatus) State() *CapabilityState {
	if s.Capability == nil {
		return nil
	}
	return &s.Capability.State
}

// Opinion says why it was failed, nil otherwise.
func (s CapabilityStatus) Opinion() *string {
	if s.Capability == nil {
		return nil
	}
	return orNil(s.Capability.Opinion)
}

// DecidedAt is when it was granted or failed, nil before.
func (s CapabilityStatus) DecidedAt() *time.Time {
	if s.Capability == nil {
		return nil
	}
	return s.Capability.DecidedAt
}

// NotBefore is until when a failed tag cannot be applied for again, nil otherwise.
func (s CapabilityStatus) NotBefore() *time.Time {
	if s.Capability == nil || s.Capability.State != CapabilityFailed {
		return nil
	}
	until := s.Capability.SuspendedUntil()
	return &until
}

// UseBy is when the right to the incentive lapses: the end of the year in which the tag was granted, in UTC+8; nil unless it is granted.
func (s CapabilityStatus) UseBy() *time.Time {
	if s.Capability == nil || s.Capability.State != CapabilityGranted {
		return nil
	}
	ends := BenefitYearEnds(BenefitYear(*s.Capability.DecidedAt))
	return &ends
}

// Eligible reports whether nothing stands in the way of applying for the incentive.
func (s CapabilityStatus) Eligible() bool { return len(s.Blockers) == 0 }
