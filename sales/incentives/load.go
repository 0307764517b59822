package incentives

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/catalog"
	"github.com/partnergraph/partnergraph/store"
)

// The bounds of one file.
const (
	// MaxFileBytes is the largest file of policies; the API's own limit for a body is smaller.
	MaxFileBytes = 16 << 20
	maxRules     = 100_000 // once months and levels are counted
	maxMonths    = 120
	maxTiers     = 20
)

// Content is a file of policies as it is written (docs/incentives.md).
type Content struct {
	Schema        int           `json:"schema"` // 1
	Cloud         string        `json:"cloud"`
	Version       string        `json:"version"`
	EffectiveFrom string        `json:"effectiveFrom"` // RFC 3339; empty = upon loading
	Policies      []policyEntry `json:"policies"`
}

type policyEntry struct {
	ServiceType string      `json:"serviceType"`
	From        string      `json:"from"`   // the first month
	Until       string      `json:"until"`  // the last month; empty = From alone
	Levels      []string    `json:"levels"` // empty = all
	Currency    string      `json:"currency"`
	Incentive   int         `json:"incentive"` // 0, 1, 2 or 13 (K07)
	Curated     bool        `json:"curated"`
	Tiers       []tierEntry `json:"tiers"`
}

type tierEntry struct {
	From string `json:"from"` // performance of the month
	Rate string `json:"rate"` // a fraction
	Cap  string `json:"cap"`  // empty = none
}

// LoadPolicies is a file of policies to be loaded, whole.
type LoadPolicies struct {
	Content string // JSON as docs/incentives.md describes it, at most MaxFileBytes
}

// LoadedPolicies is the version that holds the content.
type LoadedPolicies struct {
	IncentiveVersion models.IncentiveVersion
	Changed          bool // false when the very same content was loaded before
}

func mayLoad(who models.Principal) error {
	if err := access.Require(who, models.LoadIncentives); err != nil {
		return err
	}
	if !who.SeesAll() {
		return models.Forbidden("This is for operators.")
	}
	return nil
}

// Load checks a file of policies and stores it as a version of its own, in force from its moment on; all of it or nothing. It needs
// INCENTIVES_LOAD, and is INVALID naming line and path for what is wrong, CONFLICT when the version's name is taken by other content or
// another version begins at the same moment, and PRECONDITION_FAILED with the reason POLICIES_BACKDATED for one that would begin in the
// past, unless it is the cloud's first: what was counted does not change.
func (s *Service) Load(ctx context.Context, who models.Principal, cmd LoadPolicies) (LoadedPolicies, error) {
	if err := mayLoad(who); err != nil {
		return LoadedPolicies{}, err
	}
	content, err := parse([]byte(cmd.Content))
	if err != nil {
		return LoadedPolicies{}, err
	}
	var loaded LoadedPolicies
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		loaded, err = s.loadIn(ctx, tx, who, content)
		return err
	})
	if store.Conflicts(err, "incentive_versions") {
		return LoadedPolicies{}, models.Conflict("Another version of this cloud has this name, or begins at the same moment.")
	}
	return loaded, err
}

func (s *Service) loadIn(ctx context.Context, tx bun.IDB, who models.Principal, content policies) (LoadedPolicies, error) {
	versions, err := selectVersionsUntil(ctx, tx, content.cloud, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		return LoadedPolicies{}, err
	}
	for _, before := range versions {
		if before.Label == content.label && before.ContentHash == content.hash {
			return LoadedPolicies{IncentiveVersion: before}, nil
		}
		if before.Label == content.label {
			return LoadedPolicies{}, models.Conflict("Another version of this cloud has this name.")
		}
	}
	now := s.now()
	version := models.IncentiveVersion{
		ID: s.IDs(models.PrefixIncentiveVersion), Cloud: content.cloud, Label: content.label, ContentHash: content.hash, EffectiveAt: now,
		Rules: len(content.rules), CreatedAt: now,
	}
	if content.effectiveFrom != nil {
		version.EffectiveAt = *content.effectiveFrom
	}
	if version.EffectiveAt.Before(now) && len(versions) > 0 {
		return LoadedPolicies{}, models.Precondition("POLICIES_BACKDATED", "A version begins now or later: what was counted does not change.")
	}
	for i := range content.rules {
		content.rules[i].ID, content.rules[i].VersionID = s.IDs(models.PrefixIncentivePolicy), version.ID
	}
	if err := insertVersion(ctx, tx, version, content.rules); err != nil {
		return LoadedPolicies{}, err
	}
	return LoadedPolicies{IncentiveVersion: version, Changed: true}, s.Events.Record(ctx, tx, who, models.Event{
		Type: models.EventPoliciesLoaded, SubjectID: string(version.ID), Fields: []string{"incentiveVersion"},
		Changes: []models.FieldChange{models.Changed("incentiveVersion", "", version.Label)},
		Data: map[string]any{
			"cloud": version.Cloud, "version": version.Label, "effectiveAt": version.EffectiveAt.Format(time.RFC3339), "rules": version.Rules,
		},
	})
}

// policies is a checked Content as rows, without ids.
type policies struct {
	cloud, label  string
	hash          string // of what it says, not of how it is laid out
	effectiveFrom *time.Time
	rules         []models.IncentiveRule
}

var (
	codePattern   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$`)
	amountPattern = regexp.MustCompile(`^[0-9]{1,12}(\.[0-9]{1,2})?$`)
	ratePattern   = regexp.MustCompile(`^(0(\.[0-9]{1,8})?|1(\.0{1,8})?)$`)
)

// parse reads a file. The error is INVALID and names line and path of the first thing that is wrong.
func parse(data []byte) (policies, error) {
	if len(data) > MaxFileBytes {
		return policies{}, models.Invalid("content", fmt.Sprintf("A file of policies has at most %d bytes.", MaxFileBytes))
	}
	var content Content
	if err := catalog.DecodeStrict(data, &content); err != nil {
		return policies{}, err
	}
	c := &checker{taken: map[policyKey]bool{}}
	c.read(content)
	if c.path != "" {
		return policies{}, catalog.RefuseAt(data, new(Content), c.path, c.what)
	}
	written, err := json.Marshal(content)
	c.hash = fmt.Sprintf("%x", sha256.Sum256(written))
	return c.policies, err
}

// checker makes rows of entries. The first thing that is wrong sticks.
type checker struct {
	policies

	path, what string
	taken      map[policyKey]bool
}

func (c *checker) refuse(path, what string) {
	if c.path == "" {
		c.path, c.what = path, what
	}
}

func (c *checker) read(content Content) {
	if content.Schema != 1 {
		c.refuse("schema", "the schema is 1")
	}
	if !codePattern.MatchString(content.Cloud) {
		c.refuse("cloud", "the code of a cloud is wanted here")
	}
	if strings.TrimSpace(content.Version) == "" || !codePattern.MatchString(content.Version) {
		c.refuse("version", "a name of 1 to 64 letters, digits and . _ : - is wanted here")
	}
	c.cloud, c.label = content.Cloud, content.Version
	if content.EffectiveFrom != "" {
		at, err := time.Parse(time.RFC3339, content.EffectiveFrom)
		if err != nil {
			c.refuse("effectiveFrom", "a time such as 2026-11-21T00:00:00+08:00 is wanted here")
		}
		at = at.UTC().Truncate(time.Microsecond)
		c.effectiveFrom = &at
	}
	if len(content.Policies) == 0 {
		c.refuse("policies", "there are none")
	}
	for i, entry := range content.Policies {
		if c.path != "" {
			return
		}
		c.policy(fmt.Sprintf("policies[%d]", i), entry)
	}
}

func (c *checker) policy(path string, entry policyEntry) {
	if !codePattern.MatchString(entry.ServiceType) {
		c.refuse(path+".serviceType", "a code of 1 to 64 characters is wanted here (K02)")
	}
	currency := models.Currency(entry.Currency)
	if !currency.Valid() {
		c.refuse(path+".currency", "the currency is CNY or USD")
	}
	incentive, known := models.IncentivePolicyOf(entry.Incentive)
	if !known {
		c.refuse(path+".incentive", "the policy is 0, 1, 2 or 13 (K07)")
	}
	months := c.months(path, entry)
	levels := c.levels(path, entry)
	tiers := c.tiers(path, entry)
	earns := (incentive == models.PolicyNonSpecific || incentive == models.PolicySpecific) && !entry.Curated
	if earns && len(tiers) == 0 {
		c.refuse(path+".tiers", "a policy that brings an incentive has a tier")
	}
	if !earns && len(tiers) > 0 {
		c.refuse(path+".tiers", "a policy that brings no incentive has no tiers")
	}
	for _, month := range months {
		for _, level := range levels {
			key := policyKey{"", entry.ServiceType, month, level, currency}
			if c.taken[key] {
				c.refuse(path, "another policy covers "+string(month)+" and "+string(level))
			}
			if c.taken[key] = true; len(c.rules) == maxRules {
				c.refuse(path, fmt.Sprintf("there are more than %d policies once months and levels are counted", maxRules))
			}
			if c.path != "" {
				return
			}
			c.rules = append(c.rules, models.IncentiveRule{
				ServiceType: entry.ServiceType, Month: month, Level: level, Currency: currency, Incentive: incentive, Curated: entry.Curated, Tiers: tiers,
			})
		}
	}
}

func (c *checker) months(path string, entry policyEntry) []models.BillingCycle {
	first, err := models.ParseBillingCycle(entry.From, "from")
	if err != nil {
		c.refuse(path+".from", "a month such as 2026-11 is wanted here")
		return nil
	}
	last := first
	if entry.Until != "" {
		if last, err = models.ParseBillingCycle(entry.Until, "until"); err != nil || last < first {
			c.refuse(path+".until", "a month such as 2026-11, not before from, is wanted here")
			return nil
		}
	}
	var months []models.BillingCycle
	for at := first; at <= last; at = models.BillingCycleAt(at.Ends()) {
		if months = append(months, at); len(months) > maxMonths {
			c.refuse(path+".until", fmt.Sprintf("a policy covers at most %d months", maxMonths))
			return nil
		}
	}
	return months
}

func (c *checker) levels(path string, entry policyEntry) []models.PartnerLevel {
	all := []models.PartnerLevel{models.LevelStandard, models.LevelLeading, models.LevelCore}
	if len(entry.Levels) == 0 {
		return all
	}
	var levels []models.PartnerLevel
	for i, name := range entry.Levels {
		level := models.PartnerLevel(name)
		if !slices.Contains(all, level) || slices.Contains(levels, level) {
			c.refuse(fmt.Sprintf("%s.levels[%d]", path, i), "STANDARD, LEADING and CORE are the levels, each once")
		}
		levels = append(levels, level)
	}
	return levels
}

func (c *checker) tiers(path string, entry policyEntry) []models.IncentiveTier {
	if len(entry.Tiers) > maxTiers {
		c.refuse(path+".tiers", fmt.Sprintf("a policy has at most %d tiers", maxTiers))
		return nil
	}
	tiers := []models.IncentiveTier{}
	for i, one := range entry.Tiers {
		at := fmt.Sprintf("%s.tiers[%d]", path, i)
		if !amountPattern.MatchString(one.From) {
			c.refuse(at+".from", "an amount such as \"1000.00\" is wanted here")
			return nil
		}
		if !ratePattern.MatchString(one.Rate) {
			c.refuse(at+".rate", "a fraction of at most 1 such as \"0.08\" is wanted here, with up to 8 digits")
			return nil
		}
		if one.Cap != "" && !amountPattern.MatchString(one.Cap) {
			c.refuse(at+".cap", "an amount such as \"1000.00\" is wanted here")
			return nil
		}
		tier := models.IncentiveTier{FromMinor: minor(one.From), Rate: decimal.RequireFromString(one.Rate)}
		if one.Cap != "" {
			limit := minor(one.Cap)
			tier.CapMinor = &limit
		}
		if i > 0 && tier.FromMinor <= tiers[i-1].FromMinor {
			c.refuse(at+".from", "tiers rise")
		}
		tiers = append(tiers, tier)
	}
	return tiers
}

// minor is an amount that amountPattern knows, in minor units: both currencies have two fraction digits.
func minor(text string) int64 {
	return decimal.RequireFromString(text).Shift(models.CNY.Scale()).IntPart()
}
