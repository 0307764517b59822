package pages

import (
	"strings"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/brands"
)

// BrandPreview is the name of the page that shows a version of a brand to its partner, which takes a BrandPreviewPage.
const BrandPreview = "brand_preview"

// Brand is a partner's brand as a page shows it, in place of the operator's or beside it (A09).
type Brand struct {
	NameEN, NameZH string
	// LogoURL is a path of ours; empty without a logo. The width and height are in pixels.
	LogoURL               string
	LogoWidth, LogoHeight int
	// StylesheetURL is a path of ours that sets the accent colour; empty for the operator's.
	StylesheetURL string
	// Dual shows the operator's brand as well.
	Dual bool
	// SupportURL is https; it and SupportPhone may be empty.
	SupportURL, SupportPhone string
	// The texts may be empty, in both languages.
	FooterEN, FooterZH string
	NoticeEN, NoticeZH string
	// Menu is shown to whoever is signed in.
	Menu []BrandLink
}

// BrandLink is an entry of a partner's promotion menu.
type BrandLink struct{ TitleEN, TitleZH, URL string }

// logoHeight is how high a logo is in a header, in CSS pixels; pages.css says the same.
const logoHeight = 32

// HasFooter reports whether there is something to say below a page.
func (b Brand) HasFooter() bool {
	return b.FooterEN != "" || b.SupportURL != "" || b.SupportPhone != ""
}

// newBrand is what a page shows of what is published, or nil.
func newBrand(published *models.StorefrontBrand) *Brand {
	if published == nil {
		return nil
	}
	c := published.Content
	brand := &Brand{
		NameEN: c.NameEN, NameZH: c.NameZH, Dual: c.Style == models.BrandDual, SupportURL: c.SupportURL, SupportPhone: c.SupportPhone,
		FooterEN: c.FooterEN, FooterZH: c.FooterZH,
	}
	if c.Logo != nil && c.Logo.Height > 0 {
		brand.LogoURL = brands.LogoPath + c.Logo.FileName()
		brand.LogoHeight = min(logoHeight, c.Logo.Height)
		brand.LogoWidth = max(1, c.Logo.Width*brand.LogoHeight/c.Logo.Height)
	}
	if c.Accent != "" {
		brand.StylesheetURL = brands.StylesheetPath + models.AccentStylesheetName(c.Accent)
	}
	if published.Notice != nil {
		brand.NoticeEN, brand.NoticeZH = published.Notice.TextEN, published.Notice.TextZH
	}
	for _, link := range c.PromoMenu {
		brand.Menu = append(brand.Menu, BrandLink(link))
	}
	return brand
}

// BrandPreviewPage shows a version of a brand in its own look, and what it says in both languages. Its Common has the brand of that version.
type BrandPreviewPage struct {
	Common
	// State is as the API spells it.
	State string
	// Reason is why it was rejected or taken off; empty otherwise.
	Reason string
	// ReviewDue is a formatted time; empty unless it is under review.
	ReviewDue string
	// ServiceTypes are codes; none = all.
	ServiceTypes []string
	// NoticeFrom and NoticeUntil are formatted; empty without a notice, whose texts are there whether or not it is shown now.
	NoticeFrom, NoticeUntil, NoticeEN, NoticeZH string
}

// Services are the codes as one text.
func (p BrandPreviewPage) Services() string { return strings.Join(p.ServiceTypes, ", ") }
