package models

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"
	"golang.org/x/text/unicode/norm"
)

// CompanyStatus says how a company stands in its country's register.
type CompanyStatus string

// The states.
const (
	CompanyActive       CompanyStatus = "ACTIVE"
	CompanySuspended    CompanyStatus = "SUSPENDED"    // it rests by its own will
	CompanyLiquidating  CompanyStatus = "LIQUIDATING"  // it is being wound up
	CompanyRevoked      CompanyStatus = "REVOKED"      // its licence was taken
	CompanyDeregistered CompanyStatus = "DEREGISTERED" // it is no more
)

// CompanySize is how large a company is, as statistics sort them.
type CompanySize string

// The sizes.
const (
	CompanyMicro  CompanySize = "MICRO"
	CompanySmall  CompanySize = "SMALL"
	CompanyMedium CompanySize = "MEDIUM"
	CompanyLarge  CompanySize = "LARGE"
)

// WalletThickness is how much a company is thought to spend on clouds in a year, in CNY.
type WalletThickness string

// The bands; each ends where the next begins.
const (
	WalletTo10K    WalletThickness = "UP_TO_10K"
	WalletTo100K   WalletThickness = "UP_TO_100K"
	WalletTo1M     WalletThickness = "UP_TO_1M"
	WalletTo10M    WalletThickness = "UP_TO_10M"
	WalletAbove10M WalletThickness = "ABOVE_10M"
)

// CloudActivity is how much a company is seen to use clouds.
type CloudActivity string

// The levels.
const (
	ActivityNone   CloudActivity = "NONE"
	ActivityLow    CloudActivity = "LOW"
	ActivityMedium CloudActivity = "MEDIUM"
	ActivityHigh   CloudActivity = "HIGH"
)

// CompanyStatuses returns the states.
func CompanyStatuses() []CompanyStatus {
	return []CompanyStatus{CompanyActive, CompanySuspended, CompanyLiquidating, CompanyRevoked, CompanyDeregistered}
}

// CompanySizes returns the sizes, the smallest first.
func CompanySizes() []CompanySize {
	return []CompanySize{CompanyMicro, CompanySmall, CompanyMedium, CompanyLarge}
}

// WalletBands returns the bands, the thinnest first.
func WalletBands() []WalletThickness {
	return []WalletThickness{WalletTo10K, WalletTo100K, WalletTo1M, WalletTo10M, WalletAbove10M}
}

// CloudActivities returns the levels, the lowest first.
func CloudActivities() []CloudActivity {
	return []CloudActivity{ActivityNone, ActivityLow, ActivityMedium, ActivityHigh}
}

// Company is what the register knows of a company (C23), as one source said on one day. It is what operators loaded, and nothing is
// known of it beyond that. Of people it has the name of the legal representative, as public registers show it.
type Company struct {
	bun.BaseModel `bun:"table:companies,alias:cmp"`

	ID                  ID              `bun:"id,pk"`
	Key                 string          `bun:"key"` // of its Registration
	Country             string          `bun:"country"`
	RegistrationNumber  string          `bun:"registration_number"`
	Name                string          `bun:"name"` // as it is registered
	NameEn              string          `bun:"name_en,nullzero"`
	FormerNames         []string        `bun:"former_names,type:jsonb"`
	Status              CompanyStatus   `bun:"status"`
	LegalRepresentative string          `bun:"legal_representative,nullzero"`
	Founded             Date            `bun:"founded,nullzero"`
	CapitalAmount       string          `bun:"capital_amount,nullzero"`   // a decimal
	CapitalCurrency     string          `bun:"capital_currency,nullzero"` // ISO 4217
	Industry            string          `bun:"industry,nullzero"`
	Region              string          `bun:"region,nullzero"`
	Size                CompanySize     `bun:"size,nullzero"`
	Website             string          `bun:"website,nullzero"`
	WalletThickness     WalletThickness `bun:"wallet_thickness,nullzero"`
	CloudActivity       CloudActivity   `bun:"cloud_activity,nullzero"`
	CloudProviders      []string        `bun:"cloud_providers,type:jsonb"`
	CloudURL            string          `bun:"cloud_url,nullzero"`
	PatentCount         *int            `bun:"patent_count"` // nil = not known
	TrademarkCount      *int            `bun:"trademark_count"`
	SoftwareCount       *int            `bun:"software_count"`
	Source              string          `bun:"source"`
	AsOf                Date            `bun:"as_of"`
	Revision            int             `bun:"revision"`     // of several records of one day and company the later one is higher
	ContentHash         string          `bun:"content_hash"` // SHA-256 of the record, in hex
	LoadID              ID              `bun:"load_id"`
	CreatedAt           time.Time       `bun:"created_at"`
	UpdatedAt           time.Time       `bun:"updated_at"`
}

// NodeID returns the id to page by.
func (c Company) NodeID() ID { return c.ID }

// IsNode marks the type as a GraphQL Node.
func (Company) IsNode() {}

// NameEnOrNil returns NameEn, or nil when it is empty.
func (c Company) NameEnOrNil() *string { return orNil(c.NameEn) }

// LegalRepresentativeOrNil returns LegalRepresentative, or nil when it is empty.
func (c Company) LegalRepresentativeOrNil() *string { return orNil(c.LegalRepresentative) }

// FoundedOrNil returns Founded, or nil when it is not known.
func (c Company) FoundedOrNil() *Date { return orNil(c.Founded) }

// IndustryOrNil returns Industry, or nil when it is empty.
func (c Company) IndustryOrNil() *string { return orNil(c.Industry) }

// RegionOrNil returns Region, or nil when it is empty.
func (c Company) RegionOrNil() *string { return orNil(c.Region) }

// SizeOrNil returns Size, or nil when it is not known.
func (c Company) SizeOrNil() *CompanySize { return orNil(c.Size) }

// WebsiteOrNil returns Website, or nil when it is empty.
func (c Company) WebsiteOrNil() *string { return orNil(c.Website) }

// RegisteredCapital returns the capital; nil when it is not known.
func (c Company) RegisteredCapital() *CompanyAmount {
	return companyAmount(c.CapitalAmount, c.CapitalCurrency)
}

// Cloud returns what is known of its use of clouds; nil when nothing is.
func (c Company) Cloud() *CompanyCloud {
	if c.WalletThickness == "" && c.CloudActivity == "" && c.CloudURL == "" && len(c.CloudProviders) == 0 {
		return nil
	}
	return &CompanyCloud{
		WalletThickness: orNil(c.WalletThickness), Activity: orNil(c.CloudActivity), Providers: c.CloudProviders, URL: orNil(c.CloudURL),
	}
}

// Closed reports whether the company cannot become anybody's customer any more.
func (c Company) Closed() bool {
	return c.Status == CompanyRevoked || c.Status == CompanyDeregistered
}

// Names returns all names that it has and had, the registered one first.
func (c Company) Names() []string {
	names := []string{c.Name}
	if c.NameEn != "" {
		names = append(names, c.NameEn)
	}
	return append(names, c.FormerNames...)
}

// IsNamed reports whether a name is one of Names, in whatever spelling.
func (c Company) IsNamed(name string) bool {
	key := CompanyKey(name)
	return slices.ContainsFunc(c.Names(), func(known string) bool { return CompanyKey(known) == key })
}

// Newer reports whether a record of this day and revision is later than the one that the register has.
func (c Company) Newer(asOf Date, revision int) bool {
	return asOf > c.AsOf || asOf == c.AsOf && revision > c.Revision
}

// CompanyConnection is a page of companies.
type CompanyConnection = Connection[Company]

// CompanyEdge is one of the companies and its position.
type CompanyEdge = Edge[Company]

// CompanyAmount is an amount that a register or a newspaper states, of any currency: it is no money of the ledger's.
type CompanyAmount struct {
	Amount   decimal.Decimal
	Currency string // ISO 4217
}

func companyAmount(amount, currency string) *CompanyAmount {
	value, err := decimal.NewFromString(amount)
	if err != nil {
		return nil
	}
	return &CompanyAmount{Amount: value, Currency: currency}
}

// CompanyCloud is what is known of a company's use of clouds.
type CompanyCloud struct {
	WalletThickness *WalletThickness
	Activity        *CloudActivity
	Providers       []string
	URL             *string // of what runs there
}

// The bounds of a search by name.
const (
	MinCompanySearch = 2  // characters, once spelled as CompanyText does
	MaxCompanySearch = 64 // of them
)

// CompanyTerm is one place in a name of a company at which a search finds it.
type CompanyTerm struct {
	bun.BaseModel `bun:"table:company_terms,alias:cmt"`

	Term      string `bun:"term,pk"` // what follows from that place on, as CompanyText spells it, at most MaxCompanySearch characters
	CompanyID ID     `bun:"company_id,pk"`
}

// CompanyText spells a name as searches compare it: wide and narrow forms of a character are one, and so are capitals and small letters;
// whatever is neither letter nor digit is one space, and none between characters of scripts that are written without.
func CompanyText(name string) string {
	var text strings.Builder
	var before rune
	apart := false
	for _, r := range strings.ToLower(norm.NFKC.String(name)) {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
			apart = true
			continue
		}
		if apart && before != 0 && (!wordless(before) || !wordless(r)) {
			text.WriteByte(' ')
		}
		text.WriteRune(r)
		before, apart = r, false
	}
	return text.String()
}

// legalForms are how names end that say nothing of the company: nobody is found by them. A longer one comes before what it ends with.
var legalForms = []string{
	"股份有限公司", "有限责任公司", "集团有限公司", "有限公司", "分公司", "公司",
	"co ltd", "company limited", "limited", "ltd", "inc", "corporation", "corp", "gmbh", "llc", "company", "co",
}

// CompanyTerms returns what a name is found by: the rest of it from each word on, and where words are not set apart, from each character on. The
// legal form that it ends with begins none.
func CompanyTerms(name string) []string {
	text := CompanyText(name)
	end := len(text)
	for _, form := range legalForms {
		if rest, ok := strings.CutSuffix(text, form); ok && rest != "" && (form[0] >= 0x80 || strings.HasSuffix(rest, " ")) {
			end = len(rest)
			break
		}
	}
	var terms []string
	before := ' '
	for at, r := range text {
		if at >= end {
			break
		}
		if r != ' ' && (before == ' ' || wordless(r) || wordless(before)) {
			terms = append(terms, firstRunes(text[at:], MaxCompanySearch))
		}
		before = r
	}
	slices.Sort(terms)
	return slices.Compact(terms)
}

// wordless tells the scripts that are written without spaces.
func wordless(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai)
}

func firstRunes(text string, n int) string {
	for at := range text {
		if n == 0 {
			return text[:at]
		}
		n--
	}
	return text
}
