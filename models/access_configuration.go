package models

import (
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/uptrace/bun"
)

// ExposureState says whether a platform's capability exposure is in use.
type ExposureState string

// The states of an access configuration.
const (
	ExposureEnabled  ExposureState = "ENABLED"
	ExposureDisabled ExposureState = "DISABLED"
)

// AccessConfiguration is what a partner platform has set under capability exposure (能力开放): who it is, where its
// identity provider is, where customers go back to, and which origins and services it may use (A01-A04).
type AccessConfiguration struct {
	bun.BaseModel `bun:"table:access_configurations,alias:ac"`

	ID                  ID               `bun:"id,pk"`
	PartnerID           ID               `bun:"partner_id"`
	PlatformID          string           `bun:"platform_id"` // xAccountType, globally unique, at most 64 characters (A03)
	State               ExposureState    `bun:"state"`
	IDPMetadata         string           `bun:"idp_metadata,nullzero"`  // XML, at most 2 MiB (A02)
	IDPEntityID         string           `bun:"idp_entity_id,nullzero"` // read from the metadata
	BindNotificationURL string           `bun:"bind_notification_url,nullzero"`
	OrderPaidURL        string           `bun:"order_paid_url,nullzero"`     // A04
	OrderRechargeURL    string           `bun:"order_recharge_url,nullzero"` // A04, optional
	SignInURL           string           `bun:"sign_in_url,nullzero"`        // the storefront's own sign-in page; empty = ours
	AllowedOrigins      []string         `bun:"allowed_origins,type:jsonb"`  // for CORS, scheme://host[:port]
	AllowedServices     []string         `bun:"allowed_services,type:jsonb"` // prefixes that a login's service may start with
	AttachmentUpload    bool             `bun:"attachment_upload"`           // R01
	AllowCBC            bool             `bun:"allow_cbc"`                   // accept AES-CBC encrypted assertions
	AttributeMapping    AttributeMapping `bun:"attribute_mapping,type:jsonb"`
	AuthnContexts       []string         `bun:"authn_contexts,type:jsonb"` // asked for, and demanded of the answer; at most MaxAuthnContexts
	SubjectScopes       []string         `bun:"subject_scopes,type:jsonb"` // of subject-id and pairwise-id, lower case
	Display             MetadataDisplay  `bun:"display,type:jsonb"`        // what the platform's metadata as identity provider says for people
	PublishContact      bool             `bun:"publish_contact"`           // the interface contact stands in that metadata, for everybody to read
	IDPFacts            IDPFacts         `bun:"idp_facts,type:jsonb"`      // of IDPMetadata
	ReturnSecretSealed  []byte           `bun:"return_secret_sealed"`      // signs the way back after payment
	ContactSealed       []byte           `bun:"contact_sealed"`            // A02
	BucketName          string           `bun:"bucket_name,nullzero"`      // of the partner's own bucket; empty = attachments are kept here
	BucketEndpoint      string           `bun:"bucket_endpoint,nullzero"`
	BucketSealed        []byte           `bun:"bucket_sealed"` // JSON of AttachmentBucket, with its keys
	BucketCheckedAt     *time.Time       `bun:"bucket_checked_at"`
	CreatedAt           time.Time        `bun:"created_at"`
	UpdatedAt           time.Time        `bun:"updated_at"`

	Contact *InterfaceContact `bun:"-"` // opened for a caller who may read it
}

// Attributes is the mapping with every name filled in.
func (a AccessConfiguration) Attributes() AttributeMapping { return a.AttributeMapping.Complete() }

// DisplayOrNil returns what its metadata says for people, or nil when that is nothing.
func (a AccessConfiguration) DisplayOrNil() *MetadataDisplay {
	if a.Display.IsZero() {
		return nil
	}
	return &a.Display
}

// IDPDisplayNames returns the names in the identity provider's metadata.
func (a AccessConfiguration) IDPDisplayNames() []LocalizedText { return a.IDPFacts.DisplayNames }

// IDPLogos returns the logos in the identity provider's metadata.
func (a AccessConfiguration) IDPLogos() []MetadataLogo { return a.IDPFacts.Logos }

// AttachmentBucket is the partner's own bucket without its keys; nil when attachments are kept here.
func (a AccessConfiguration) AttachmentBucket() *AttachmentBucket {
	if a.BucketName == "" || a.BucketCheckedAt == nil {
		return nil
	}
	return &AttachmentBucket{Name: a.BucketName, Endpoint: a.BucketEndpoint, CheckedAt: *a.BucketCheckedAt}
}

// NodeID returns the id to page by.
func (a AccessConfiguration) NodeID() ID { return a.ID }

// IsNode marks the type as a GraphQL Node.
func (AccessConfiguration) IsNode() {}

var platformID = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{1,63}$`)

// CheckPlatformID applies the rule for xAccountType: 2 to 64 characters, letters, digits, _ and -, a letter first (A03).
func CheckPlatformID(id, field string) error {
	if platformID.MatchString(id) {
		return nil
	}
	return Invalid(field, "A platform id has 2 to 64 letters, digits, _ and -, and starts with a letter.")
}

// AllowsService reports whether a login may land on this URL: it must be absolute, https (or http where the entry is), and lie
// under one of the allowed entries, compared by origin and by whole path segments, so that neither a look-alike host
// nor a sibling path slips through.
func (a AccessConfiguration) AllowsService(service string) bool {
	for _, entry := range a.AllowedServices {
		if URLUnder(service, entry) {
			return true
		}
	}
	return false
}

// URLUnder reports whether target is the base URL or lies below it: same scheme, host and port, and a path that starts
// with the base's path at a segment's end. User info, back slashes, control characters and dot segments are refused.
func URLUnder(target, base string) bool {
	if len(target) > 2048 || strings.ContainsAny(target, "\\\r\n\t \x00") {
		return false
	}
	t, err := url.Parse(target)
	if err != nil || t.User != nil || t.Host == "" || t.Opaque != "" {
		return false
	}
	b, err := url.Parse(base)
	if err != nil || !strings.EqualFold(t.Scheme, b.Scheme) || !strings.EqualFold(t.Host, b.Host) {
		return false
	}
	for segment := range strings.SplitSeq(t.Path, "/") {
		if segment == "." || segment == ".." {
			return false
		}
	}
	root := strings.TrimSuffix(b.Path, "/")
	return t.Path == root || strings.HasPrefix(t.Path, root+"/")
}

// SignInRequestParameter names the waiting sign-in in the query of a storefront's own sign-in page.
const SignInRequestParameter = "request"

// SignInAddress returns the storefront's own sign-in page for a waiting sign-in; empty when the platform has none.
func (a AccessConfiguration) SignInAddress(requestID string) string {
	u, err := url.Parse(a.SignInURL)
	if a.SignInURL == "" || err != nil {
		return ""
	}
	if requestID != "" {
		query := u.Query()
		query.Set(SignInRequestParameter, requestID)
		u.RawQuery = query.Encode()
	}
	return u.String()
}
