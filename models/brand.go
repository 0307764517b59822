package models

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/uptrace/bun"
)

// The bounds of a brand (A09).
const (
	MaxBrandName     = 64  // characters
	MaxBrandFooter   = 300 // characters
	MaxBrandNotice   = 500 // characters
	MaxPromoLinks    = 10
	MaxPromoTitle    = 40  // characters
	MaxPromoURL      = 512 // characters
	MaxBrandServices = 100
	// BrandReviewDays is how many working days a review is to take.
	BrandReviewDays = 3
	// maxNoticeDays is how long a notice may be shown.
	maxNoticeDays = 366
)

// BrandState is where a version of a partner's brand stands.
type BrandState string

// The states. The last three are final.
const (
	BrandDraft     BrandState = "DRAFT"     // the partner works on it
	BrandInReview  BrandState = "IN_REVIEW" // operators look at it
	BrandPublished BrandState = "PUBLISHED" // customers see it
	BrandRejected  BrandState = "REJECTED"
	BrandReplaced  BrandState = "REPLACED" // a later version was published
	BrandRetired   BrandState = "RETIRED"  // taken off; customers see the operator's brand
)

// OpenBrandStates are those of the one version of a partner that is on its way.
func OpenBrandStates() []BrandState { return []BrandState{BrandDraft, BrandInReview} }

// BrandMove is a step of a version.
type BrandMove string

// The moves.
const (
	BrandSubmit   BrandMove = "SUBMIT"
	BrandWithdraw BrandMove = "WITHDRAW" // from the review, back to the draft
	BrandPublish  BrandMove = "PUBLISH"
	BrandReject   BrandMove = "REJECT"
	BrandReplace  BrandMove = "REPLACE"
	BrandRetire   BrandMove = "RETIRE"
)

// brandRefusals say why a version in a state does not go where it is wanted.
func brandRefusals() map[BrandState]*Error {
	return map[BrandState]*Error{
		BrandDraft:     Precondition("BRAND_DRAFT", "This version is a draft; submit it for review first."),
		BrandInReview:  Precondition("BRAND_IN_REVIEW", "This version is under review; withdraw it to change it."),
		BrandPublished: Precondition("BRAND_PUBLISHED", "This version is published."),
		BrandRejected:  Precondition("BRAND_REJECTED", "This version was rejected; save a new draft."),
		BrandReplaced:  Precondition("BRAND_REPLACED", "A later version was published in place of this one."),
		BrandRetired:   Precondition("BRAND_RETIRED", "This version was taken off; save a new draft."),
	}
}

// BrandStyle says whose brand customers see.
type BrandStyle string

// The styles.
const (
	BrandDual  BrandStyle = "DUAL"         // the operator's beside the partner's
	BrandAlone BrandStyle = "PARTNER_ONLY" // the partner's alone
)

// Valid reports whether s is one of the styles.
func (s BrandStyle) Valid() bool { return s == BrandDual || s == BrandAlone }

// BrandLogo is a picture that this server has written from what was uploaded. Its address has the digest, so that it never changes.
type BrandLogo struct {
	Digest      string `json:"digest"`      // SHA-256 in hex
	ContentType string `json:"contentType"` // image/png or image/jpeg
	Width       int    `json:"width"`       // in pixels
	Height      int    `json:"height"`      // in pixels
	Size        int    `json:"size"`        // in bytes
}

// FileName is what the logo is called in addresses.
func (l BrandLogo) FileName() string {
	if l.ContentType == "image/jpeg" {
		return l.Digest + ".jpg"
	}
	return l.Digest + ".png"
}

var brandLogoName = regexp.MustCompile(`^([0-9a-f]{64})\.(?:png|jpg)$`)

// ParseBrandLogoName returns the digest of a name that FileName may have made.
func ParseBrandLogoName(name string) (digest string, ok bool) {
	found := brandLogoName.FindStringSubmatch(name)
	if found == nil {
		return "", false
	}
	return found[1], true
}

// BrandLogoFile is the content of a logo of a partner's.
type BrandLogoFile struct {
	bun.BaseModel `bun:"table:brand_logos,alias:brl"`

	PartnerID   ID        `bun:"partner_id,pk"`
	Digest      string    `bun:"digest,pk"` // SHA-256 in hex
	ContentType string    `bun:"content_type"`
	Content     []byte    `bun:"content"`
	CreatedAt   time.Time `bun:"created_at"`
}

// PromoLink is an entry of a partner's promotion menu.
type PromoLink struct {
	TitleEN string `json:"titleEn"`
	TitleZH string `json:"titleZh"`
	URL     string `json:"url"` // https, on one of the platform's allowed origins
}

// BrandNotice is what a partner tells its customers for a while.
type BrandNotice struct {
	TextEN string    `json:"textEn"`
	TextZH string    `json:"textZh"`
	From   time.Time `json:"from"`
	Until  time.Time `json:"until"` // exclusive
}

// BrandContent is what a version says; what is empty is not shown.
type BrandContent struct {
	NameEN       string       `json:"nameEn,omitempty"`
	NameZH       string       `json:"nameZh,omitempty"`
	Logo         *BrandLogo   `json:"logo,omitempty"`
	Accent       string       `json:"accent,omitempty"` // #rrggbb in lower case; empty = the operator's
	Style        BrandStyle   `json:"style"`
	SupportURL   string       `json:"supportUrl,omitempty"`
	SupportPhone string       `json:"supportPhone,omitempty"`
	FooterEN     string       `json:"footerEn,omitempty"`
	FooterZH     string       `json:"footerZh,omitempty"`
	PromoMenu    []PromoLink  `json:"promoMenu,omitempty"`
	Services     []string     `json:"services,omitempty"` // codes of service types that the storefront shows; none = all
	Notice       *BrandNotice `json:"notice,omitempty"`
}

// Missing names what a review needs and the content lacks: the name in both languages, and the footer in both or in none.
func (c BrandContent) Missing() []string {
	missing := []string{}
	for _, one := range []struct {
		lacks bool
		field string
	}{
		{c.NameEN == "", "nameEn"}, {c.NameZH == "", "nameZh"},
		{c.FooterEN == "" && c.FooterZH != "", "footerEn"}, {c.FooterEN != "" && c.FooterZH == "", "footerZh"},
	} {
		if one.lacks {
			missing = append(missing, one.field)
		}
	}
	return missing
}

// NoticeAt is the notice when it is to be shown at now, else nil.
func (c BrandContent) NoticeAt(now time.Time) *BrandNotice {
	if c.Notice == nil || now.Before(c.Notice.From) || !now.Before(c.Notice.Until) {
		return nil
	}
	return c.Notice
}

// BrandVersion is what a partner wants its customers to see in place of the operator's brand, and what has become of it (A09). A partner has at
// most one version that is published and one on its way.
type BrandVersion struct {
	bun.BaseModel `bun:"table:brand_versions,alias:brv" json:"-"`

	ID          ID           `bun:"id,pk"`
	PartnerID   ID           `bun:"partner_id"`
	State       BrandState   `bun:"state"`
	Revision    int          `bun:"revision"` // counts what was saved, from 1: whoever reviews names what was looked at
	Content     BrandContent `bun:"content,type:jsonb"`
	LogoDigest  string       `bun:"logo_digest,nullzero"` // of Content.Logo
	Reason      string       `bun:"reason,nullzero"`      // why it was rejected or retired
	SubmittedAt *time.Time   `bun:"submitted_at"`
	ReviewDueAt *time.Time   `bun:"review_due_at"` // until when the review is due; nil unless it is under review
	DecidedAt   *time.Time   `bun:"decided_at"`
	EndedAt     *time.Time   `bun:"ended_at"` // since when it is replaced or retired
	CreatedAt   time.Time    `bun:"created_at"`
	UpdatedAt   time.Time    `bun:"updated_at"`
}

// NodeID returns the id to page by.
func (b BrandVersion) NodeID() ID { return b.ID }

// IsNode marks the type as a GraphQL Node.
func (BrandVersion) IsNode() {}

// ReasonOrNil is nil unless it was rejected or retired with a reason.
func (b BrandVersion) ReasonOrNil() *string { return orNil(b.Reason) }

// NameEN is nil until it is set.
func (b BrandVersion) NameEN() *string { return orNil(b.Content.NameEN) }

// NameZH is nil until it is set.
func (b BrandVersion) NameZH() *string { return orNil(b.Content.NameZH) }

// Logo is nil without one.
func (b BrandVersion) Logo() *BrandLogo { return b.Content.Logo }

// AccentColor is nil for the operator's.
func (b BrandVersion) AccentColor() *string { return orNil(b.Content.Accent) }

// Style says whose brand customers see.
func (b BrandVersion) Style() BrandStyle { return b.Content.Style }

// SupportURL is nil without one.
func (b BrandVersion) SupportURL() *string { return orNil(b.Content.SupportURL) }

// SupportPhone is nil without one.
func (b BrandVersion) SupportPhone() *string { return orNil(b.Content.SupportPhone) }

// FooterEN is nil without one.
func (b BrandVersion) FooterEN() *string { return orNil(b.Content.FooterEN) }

// FooterZH is nil without one.
func (b BrandVersion) FooterZH() *string { return orNil(b.Content.FooterZH) }

// PromoMenu are the entries of the promotion menu, in their order.
func (b BrandVersion) PromoMenu() []PromoLink { return notNil(b.Content.PromoMenu) }

// ServiceTypes are the codes that the storefront shows; none = all.
func (b BrandVersion) ServiceTypes() []string { return notNil(b.Content.Services) }

// Notice is nil without one.
func (b BrandVersion) Notice() *BrandNotice { return b.Content.Notice }

func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// BrandVersionConnection is a page of versions.
type BrandVersionConnection = Connection[BrandVersion]

// BrandVersionEdge is one of the versions and its position.
type BrandVersionEdge = Edge[BrandVersion]

// Move makes a move and returns the state before it. It is PRECONDITION_FAILED with BRAND_ and the present state as the reason where the move
// does not lead on from there, and with BRAND_INCOMPLETE, and what is missing in the details, where a submission lacks something.
func (b *BrandVersion) Move(move BrandMove, now time.Time) (before BrandState, err error) {
	steps := map[BrandMove]struct {
		from []BrandState
		to   BrandState
	}{
		BrandSubmit:   {[]BrandState{BrandDraft}, BrandInReview},
		BrandWithdraw: {[]BrandState{BrandInReview}, BrandDraft},
		BrandPublish:  {[]BrandState{BrandInReview}, BrandPublished},
		BrandReject:   {[]BrandState{BrandInReview}, BrandRejected},
		BrandReplace:  {[]BrandState{BrandPublished}, BrandReplaced},
		BrandRetire:   {[]BrandState{BrandPublished}, BrandRetired},
	}
	step := steps[move]
	if !slices.Contains(step.from, b.State) {
		return b.State, brandRefusals()[b.State]
	}
	if missing := b.Content.Missing(); move == BrandSubmit && len(missing) > 0 {
		refused := Precondition("BRAND_INCOMPLETE", "The brand is not complete; it lacks "+strings.Join(missing, ", ")+".")
		refused.Details["missing"] = missing
		return b.State, refused
	}
	before = b.State
	b.State, b.UpdatedAt = step.to, now
	switch move {
	case BrandSubmit:
		due := WorkingDaysAfter(now, BrandReviewDays)
		b.SubmittedAt, b.ReviewDueAt = &now, &due
	case BrandWithdraw:
		b.SubmittedAt, b.ReviewDueAt = nil, nil
	case BrandPublish, BrandReject:
		b.ReviewDueAt, b.DecidedAt = nil, &now
	case BrandReplace, BrandRetire:
		b.EndedAt = &now
	}
	return before, nil
}

// StorefrontBrand is what is published of a partner's brand, as customers and storefronts see it at a moment.
type StorefrontBrand struct {
	Content       BrandContent
	LogoURL       *string // absolute; nil without a logo
	StylesheetURL *string // absolute; nil without an accent colour
	Notice        *BrandNotice
	PublishedAt   time.Time
}

// NameEN is the name in English.
func (b StorefrontBrand) NameEN() string { return b.Content.NameEN }

// NameZH is the name in Chinese.
func (b StorefrontBrand) NameZH() string { return b.Content.NameZH }

// Logo is nil without one.
func (b StorefrontBrand) Logo() *BrandLogo { return b.Content.Logo }

// AccentColor is nil for the operator's.
func (b StorefrontBrand) AccentColor() *string { return orNil(b.Content.Accent) }

// Style says whose brand customers see.
func (b StorefrontBrand) Style() BrandStyle { return b.Content.Style }

// SupportURL is nil without one.
func (b StorefrontBrand) SupportURL() *string { return orNil(b.Content.SupportURL) }

// SupportPhone is nil without one.
func (b StorefrontBrand) SupportPhone() *string { return orNil(b.Content.SupportPhone) }

// FooterEN is nil without one.
func (b StorefrontBrand) FooterEN() *string { return orNil(b.Content.FooterEN) }

// FooterZH is nil without one.
func (b StorefrontBrand) FooterZH() *string { return orNil(b.Content.FooterZH) }

// PromoMenu are the entries of the promotion menu that the platform still allows, in their order.
func (b StorefrontBrand) PromoMenu() []PromoLink { return notNil(b.Content.PromoMenu) }

// ServiceTypes are the codes that the storefront shows; none = all.
func (b StorefrontBrand) ServiceTypes() []string { return notNil(b.Content.Services) }

var supportPhone = regexp.MustCompile(`^\+?[0-9][0-9 ()-]{3,29}$`)

// CheckBrandText applies the rule for what a brand says to customers: at most so many characters, valid UTF-8, neither control nor invisible
// characters, which could make a name look like another's. Empty is no text.
func CheckBrandText(text, field string, most int) error {
	if text == "" {
		return nil
	}
	if err := CheckText(text, field, most, false); err != nil {
		return err
	}
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Cf, r) }) {
		return Invalid(field, field+" has invisible characters.")
	}
	return nil
}

// CheckSupportPhone accepts 5 to 31 digits, spaces and ( ) -, with or without a + in front. Empty is no number.
func CheckSupportPhone(phone, field string) error {
	if phone != "" && !supportPhone.MatchString(phone) {
		return Invalid(field, "A phone number is written as +86 10 1234 5678.")
	}
	return nil
}

// CheckPromoMenu applies the rules for the entries alone: at most MaxPromoLinks, titles in both languages, https addresses; with dev also http to
// this machine. Whether the platform allows their origins is another question.
func CheckPromoMenu(menu []PromoLink, field string, dev bool) error {
	if len(menu) > MaxPromoLinks {
		return Invalid(field, fmt.Sprintf("%s has at most %d entries.", field, MaxPromoLinks))
	}
	for i, link := range menu {
		at := fmt.Sprintf("%s[%d]", field, i)
		for _, title := range []struct{ text, name string }{{link.TitleEN, "titleEn"}, {link.TitleZH, "titleZh"}} {
			if title.text == "" {
				return Invalid(at+"."+title.name, "An entry has a title in both languages.")
			}
			if err := CheckBrandText(title.text, at+"."+title.name, MaxPromoTitle); err != nil {
				return err
			}
		}
		if len(link.URL) > MaxPromoURL {
			return Invalid(at+".url", fmt.Sprintf("The address has at most %d characters.", MaxPromoURL))
		}
		if err := CheckWebURL(link.URL, at+".url", dev); err != nil {
			return err
		}
	}
	return nil
}

var serviceTypeCode = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// CheckBrandServices checks the form of codes of service types, at most MaxBrandServices, and returns them each once.
func CheckBrandServices(codes []string, field string) ([]string, error) {
	if len(codes) > MaxBrandServices {
		return nil, Invalid(field, fmt.Sprintf("%s has at most %d codes.", field, MaxBrandServices))
	}
	once := make([]string, 0, len(codes))
	for _, code := range codes {
		if !serviceTypeCode.MatchString(code) {
			return nil, Invalid(field, "A service type is written as hws.service.type.ec2.")
		}
		if !slices.Contains(once, code) {
			once = append(once, code)
		}
	}
	return once, nil
}

// Check applies the rules for a notice: a text in both languages, a beginning before its end, at most 366 days.
func (n BrandNotice) Check(field string) error {
	for _, text := range []struct{ text, name string }{{n.TextEN, "textEn"}, {n.TextZH, "textZh"}} {
		if text.text == "" {
			return Invalid(field+"."+text.name, "A notice has a text in both languages.")
		}
		if err := CheckBrandText(text.text, field+"."+text.name, MaxBrandNotice); err != nil {
			return err
		}
	}
	if !n.From.Before(n.Until) || n.Until.Sub(n.From) > maxNoticeDays*24*time.Hour {
		return Invalid(field+".until", fmt.Sprintf("A notice ends after it begins, at most %d days later.", maxNoticeDays))
	}
	return nil
}
