package models

import (
	"time"

	"github.com/uptrace/bun"
)

// ServiceProviderState says whether a service provider is signed in to.
type ServiceProviderState string

// The states of a service provider.
const (
	ServiceProviderEnabled  ServiceProviderState = "ENABLED"
	ServiceProviderDisabled ServiceProviderState = "DISABLED"
)

// NameIDFormat is the kind of name that a service provider gets of a person where its request leaves the choice.
type NameIDFormat string

// The formats.
const (
	NameIDPersistent NameIDFormat = "PERSISTENT" // the same every time, and another for every other service provider (Core 8.3.7)
	NameIDTransient  NameIDFormat = "TRANSIENT"  // another at every sign-in
)

// AssertionEncryption says when assertions for a service provider are encrypted.
type AssertionEncryption string

// The choices.
const (
	EncryptAuto   AssertionEncryption = "AUTO" // when its metadata has a usable key
	EncryptAlways AssertionEncryption = "ALWAYS"
	EncryptNever  AssertionEncryption = "NEVER"
)

// SignatureAlgorithm is what answers to a service provider are signed with.
type SignatureAlgorithm string

// The algorithms. RSA is what every peer understands.
const (
	SignRSASHA256   SignatureAlgorithm = "RSA_SHA256"
	SignECDSASHA256 SignatureAlgorithm = "ECDSA_SHA256"
)

// AttributeSource is what an attribute of an assertion is filled with.
type AttributeSource string

// The sources.
const (
	SourceUserID     AttributeSource = "USER_ID"    // the storefront's own id of the person, else ours
	SourceAccountID  AttributeSource = "ACCOUNT_ID" // the storefront's own key of the customer, else our id
	SourceBPID       AttributeSource = "BP_ID"
	SourceName       AttributeSource = "NAME"
	SourceEmail      AttributeSource = "EMAIL"
	SourceMobile     AttributeSource = "MOBILE"
	SourceLoginName  AttributeSource = "LOGIN_NAME"
	SourcePairwiseID AttributeSource = "PAIRWISE_ID"

	SourceSubjectID        AttributeSource = "SUBJECT_ID"         // id@scope, the same for every service provider of the platform
	SourceScopedPairwiseID AttributeSource = "SCOPED_PAIRWISE_ID" // id@scope, another one for every service provider
)

// SubjectIDRequirement is which scoped identifier a service provider says that it needs.
type SubjectIDRequirement string

// The requirements.
const (
	RequireSubjectID  SubjectIDRequirement = "SUBJECT_ID"
	RequirePairwiseID SubjectIDRequirement = "PAIRWISE_ID"
	RequireAnyID      SubjectIDRequirement = "ANY"  // either will do; it is sent pairwise-id
	RequireNoID       SubjectIDRequirement = "NONE" // it wants neither
)

// ServiceProviderAttribute is one attribute of the assertions for a service provider.
type ServiceProviderAttribute struct {
	Name   string          `json:"name"` // 1 to 256 characters, an opaque identifier
	Source AttributeSource `json:"source"`
}

// VendorAttributes is the vendor's profile (2.4).
func VendorAttributes() []ServiceProviderAttribute {
	return []ServiceProviderAttribute{
		{"xUserId", SourceUserID}, {"xAccountId", SourceAccountID}, {"bpId", SourceBPID},
		{"name", SourceName}, {"email", SourceEmail}, {"mobile", SourceMobile},
	}
}

// ProviderFacts is what a service provider's metadata says, read when the metadata was saved.
type ProviderFacts struct {
	EntityID       string     `json:"entityId"`
	ConsumerURLs   []string   `json:"consumerUrls"`         // the default first
	SLOURL         string     `json:"sloUrl,omitempty"`     // where its logout requests go
	Fingerprints   []string   `json:"fingerprints"`         // of its signing certificates, SHA-256, lower-case hexadecimal
	CanEncrypt     bool       `json:"canEncrypt,omitempty"` // there is a key to encrypt for
	SignsRequests  bool       `json:"signsRequests"`        // an unsigned request of it is refused (SDP-IDP04)
	ValidUntilTime *time.Time `json:"validUntil,omitempty"` // nil = the file names no end

	DisplayNames []LocalizedText      `json:"displayNames,omitempty"` // shown, believed by nobody
	Logos        []MetadataLogo       `json:"logos,omitempty"`        // the same
	SubjectID    SubjectIDRequirement `json:"subjectId,omitempty"`    // empty = it does not say
}

// MetadataFinding is a remark on a metadata file, worded for the person who registers it.
type MetadataFinding struct {
	Code    string // stable, upper case
	Message string
}

// ServiceProvider is a cloud or console that a partner platform, as identity provider, signs its people in to.
type ServiceProvider struct {
	bun.BaseModel `bun:"table:service_providers,alias:svp"`

	ID                    ID                         `bun:"id,pk"`
	AccessConfigurationID ID                         `bun:"access_configuration_id"`
	PartnerID             ID                         `bun:"partner_id"`  // the owner of the platform
	PlatformID            string                     `bun:"platform_id"` // of the access configuration
	Name                  string                     `bun:"name"`
	EntityID              string                     `bun:"entity_id"`             // unique in the platform, fixed
	Metadata              string                     `bun:"metadata"`              // XML, at most 2 MiB
	MetadataURL           string                     `bun:"metadata_url,nullzero"` // where it was fetched from; empty = it was uploaded
	NameIDFormat          NameIDFormat               `bun:"name_id_format"`
	Attributes            []ServiceProviderAttribute `bun:"attributes,type:jsonb"`
	BPID                  string                     `bun:"bp_id,nullzero"` // what this cloud calls the partner
	IDPInitiated          bool                       `bun:"idp_initiated"`  // launches without a request are allowed
	LoginURL              string                     `bun:"login_url,nullzero"`
	Encryption            AssertionEncryption        `bun:"encryption"`
	SignatureAlgorithm    SignatureAlgorithm         `bun:"signature_algorithm"`
	State                 ServiceProviderState       `bun:"state"`
	Facts                 ProviderFacts              `bun:"facts,type:jsonb"`
	CreatedAt             time.Time                  `bun:"created_at"`
	UpdatedAt             time.Time                  `bun:"updated_at"`
}

// NodeID returns the id to page by.
func (s ServiceProvider) NodeID() ID { return s.ID }

// IsNode marks the type as a GraphQL Node.
func (ServiceProvider) IsNode() {}

// ConsumerURLs returns where its answers go, the default first.
func (s ServiceProvider) ConsumerURLs() []string { return s.Facts.ConsumerURLs }

// CertificateFingerprints returns the SHA-256 of its signing certificates.
func (s ServiceProvider) CertificateFingerprints() []string { return s.Facts.Fingerprints }

// ValidUntil returns the end that the metadata names, or nil.
func (s ServiceProvider) ValidUntil() *time.Time { return s.Facts.ValidUntilTime }

// DisplayNames returns the names in its metadata.
func (s ServiceProvider) DisplayNames() []LocalizedText { return s.Facts.DisplayNames }

// Logos returns the logos in its metadata.
func (s ServiceProvider) Logos() []MetadataLogo { return s.Facts.Logos }

// SubjectIDRequirement returns which scoped identifier its metadata asks for, or nil when it does not say.
func (s ServiceProvider) SubjectIDRequirement() *SubjectIDRequirement {
	if s.Facts.SubjectID == "" {
		return nil
	}
	return &s.Facts.SubjectID
}

// SLOURLOrNil returns where its logout requests go, or nil when it has none.
func (s ServiceProvider) SLOURLOrNil() *string { return orNil(s.Facts.SLOURL) }

// MetadataURLOrNil returns MetadataURL, or nil when it is empty.
func (s ServiceProvider) MetadataURLOrNil() *string { return orNil(s.MetadataURL) }

// BPIDOrNil returns BPID, or nil when it is empty.
func (s ServiceProvider) BPIDOrNil() *string { return orNil(s.BPID) }

// LoginURLOrNil returns LoginURL, or nil when it is empty.
func (s ServiceProvider) LoginURLOrNil() *string { return orNil(s.LoginURL) }

// ServiceProviderConnection is a page of service providers.
type ServiceProviderConnection = Connection[ServiceProvider]

// ServiceProviderEdge is one of the service providers and its position.
type ServiceProviderEdge = Edge[ServiceProvider]
