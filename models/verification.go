package models

import (
	"regexp"
	"time"

	"github.com/uptrace/bun"
)

// VerificationKind says as what a customer is verified.
type VerificationKind string

// The kinds.
const (
	VerifyIndividual VerificationKind = "INDIVIDUAL"
	VerifyEnterprise VerificationKind = "ENTERPRISE"
)

// CustomerKind is what a customer becomes by passing (C17).
func (k VerificationKind) CustomerKind() CustomerKind {
	if k == VerifyEnterprise {
		return Enterprise
	}
	return Individual
}

// IdentifyType says how an individual is verified (R03).
type IdentifyType string

// The ways. Vendor codes: 0, 4.
const (
	IdentifyByDocument IdentifyType = "DOCUMENT"
	IdentifyByBankCard IdentifyType = "BANK_CARD"
)

// DocumentType is the document that an individual shows (R03).
type DocumentType string

// The documents. Vendor codes: 0, 3, 5, 6, 9, 10.
const (
	DocumentIDCard           DocumentType = "ID_CARD"
	DocumentPassport         DocumentType = "PASSPORT"
	DocumentHKMacaoPermit    DocumentType = "HK_MACAO_PERMIT"
	DocumentTaiwanPermit     DocumentType = "TAIWAN_PERMIT"
	DocumentHKMacaoResidence DocumentType = "HK_MACAO_RESIDENCE_PERMIT"
	DocumentTaiwanResidence  DocumentType = "TAIWAN_RESIDENCE_PERMIT"
)

// Valid reports whether d is one of the documents.
func (d DocumentType) Valid() bool {
	switch d {
	case DocumentIDCard, DocumentPassport, DocumentHKMacaoPermit, DocumentTaiwanPermit, DocumentHKMacaoResidence, DocumentTaiwanResidence:
		return true
	}
	return false
}

// CertificateType is the certificate that an enterprise shows (R04).
type CertificateType string

// The certificates. Vendor codes: 0, 1, 2, 3, 4, 99.
const (
	CertificateLicence           CertificateType = "BUSINESS_LICENCE"
	CertificatePublicInstitution CertificateType = "PUBLIC_INSTITUTION"
	CertificateSocialGroup       CertificateType = "SOCIAL_GROUP"
	CertificateAdministration    CertificateType = "ADMINISTRATIVE_BODY"
	CertificateOrganisationCode  CertificateType = "ORGANIZATION_CODE"
	CertificateOther             CertificateType = "OTHER"
)

// Valid reports whether c is one of the certificates.
func (c CertificateType) Valid() bool {
	switch c {
	case CertificateLicence, CertificatePublicInstitution, CertificateSocialGroup, CertificateAdministration, CertificateOrganisationCode, CertificateOther:
		return true
	}
	return false
}

// AttachmentRole says what an attachment shows. The order of attachments is that of the roles (R02).
type AttachmentRole string

// The roles.
const (
	RoleDocumentFront AttachmentRole = "DOCUMENT_FRONT" // the side with the portrait
	RoleDocumentBack  AttachmentRole = "DOCUMENT_BACK"
	RoleDocumentHeld  AttachmentRole = "DOCUMENT_HELD" // held by its owner
	RoleFace          AttachmentRole = "FACE"
	RoleUnitDocument  AttachmentRole = "UNIT_DOCUMENT"
	RoleLegalIDFront  AttachmentRole = "LEGAL_PERSON_ID_FRONT"
	RoleLegalIDBack   AttachmentRole = "LEGAL_PERSON_ID_BACK"
)

// AttachmentRoles are the attachments that a verification needs, in their order: three of a document, the face for a bank card (R03), the
// unit's document and the legal person's ID for an enterprise (R04).
func AttachmentRoles(kind VerificationKind, how IdentifyType) []AttachmentRole {
	switch {
	case kind == VerifyEnterprise:
		return []AttachmentRole{RoleUnitDocument, RoleLegalIDFront, RoleLegalIDBack}
	case how == IdentifyByBankCard:
		return []AttachmentRole{RoleFace}
	}
	return []AttachmentRole{RoleDocumentFront, RoleDocumentBack, RoleDocumentHeld}
}

// VerificationAttachment is one file of a verification: kept here, or in the partner's bucket.
type VerificationAttachment struct {
	Role        AttachmentRole `json:"role"`
	UploadID    ID             `json:"uploadId,omitempty"` // zero = in the partner's bucket
	Path        string         `json:"path,omitempty"`     // relative to download/; empty = kept here
	ContentType string         `json:"contentType"`
	Size        int64          `json:"size"`   // in bytes
	Digest      string         `json:"digest"` // SHA-256 in hex, of what was checked when it was submitted
}

// VerificationDetails are the personal part of a verification, sealed as one.
type VerificationDetails struct {
	Name        string                   `json:"name"`                  // of the person, or of the enterprise
	Number      string                   `json:"number"`                // of the document or certificate
	BankCard    string                   `json:"bankCard,omitempty"`    // the card's number
	Phone       string                   `json:"phone,omitempty"`       // that the bank knows, countrycode-number
	LegalName   string                   `json:"legalName,omitempty"`   // of the enterprise's legal person
	LegalNumber string                   `json:"legalNumber,omitempty"` // of that person's ID
	Attachments []VerificationAttachment `json:"attachments"`
}

// Verification is one application to have a customer's real name verified, and what has come of it (R03 to R06).
type Verification struct {
	bun.BaseModel `bun:"table:verifications,alias:vrf"`

	ID              ID               `bun:"id,pk"`
	CustomerID      ID               `bun:"customer_id"`
	PartnerID       ID               `bun:"partner_id,nullzero"` // the customer's when it was submitted; zero = it had none
	Kind            VerificationKind `bun:"kind"`
	IsChange        bool             `bun:"is_change"`                 // an individual becomes an enterprise (R05)
	IdentifyType    IdentifyType     `bun:"identify_type,nullzero"`    // of individuals
	DocumentType    DocumentType     `bun:"document_type,nullzero"`    // of individuals; a bank card goes with an ID card
	CertificateType CertificateType  `bun:"certificate_type,nullzero"` // of enterprises
	DetailsSealed   []byte           `bun:"details_sealed"`
	Status          VerifiedStatus   `bun:"status"`           // REVIEWING, REJECTED or VERIFIED
	IsReview        bool             `bun:"is_review"`        // a person reviews, or has reviewed it (R06)
	Opinion         string           `bun:"opinion,nullzero"` // why it was rejected, for whoever has submitted it
	CreatedAt       time.Time        `bun:"created_at"`
	DecidedAt       *time.Time       `bun:"decided_at"` // nil while it is under review

	Details VerificationDetails `bun:"-"` // opened for callers who may see the row
	Reveal  bool                `bun:"-"` // the caller may see Details beyond their kinds
}

// NodeID returns the id to page by.
func (v Verification) NodeID() ID { return v.ID }

// IsNode marks the type as a GraphQL Node.
func (Verification) IsNode() {}

// IdentifyTypeOrNil is nil for enterprises.
func (v Verification) IdentifyTypeOrNil() *IdentifyType { return valueOrNil(v.IdentifyType) }

// DocumentTypeOrNil is nil for enterprises.
func (v Verification) DocumentTypeOrNil() *DocumentType { return valueOrNil(v.DocumentType) }

// CertificateTypeOrNil is nil for individuals.
func (v Verification) CertificateTypeOrNil() *CertificateType { return valueOrNil(v.CertificateType) }

// OpinionOrNil is nil unless it was rejected.
func (v Verification) OpinionOrNil() *string { return orNil(v.Opinion) }

// Attachments are the files that were submitted, in their order.
func (v Verification) Attachments() []VerificationAttachment { return v.Details.Attachments }

// VerifiedPerson is what reviewers compare with the attachments.
type VerifiedPerson struct {
	Name        string
	Number      string
	BankCard    *string
	Phone       *string
	LegalName   *string
	LegalNumber *string
}

// Person is nil for everybody but reviewers.
func (v Verification) Person() *VerifiedPerson {
	if !v.Reveal {
		return nil
	}
	d := v.Details
	return &VerifiedPerson{
		Name: d.Name, Number: d.Number, BankCard: orNil(d.BankCard), Phone: orNil(d.Phone),
		LegalName: orNil(d.LegalName), LegalNumber: orNil(d.LegalNumber),
	}
}

// VerificationConnection is a page of verifications.
type VerificationConnection = Connection[Verification]

// VerificationEdge is one of the verifications and its position.
type VerificationEdge = Edge[Verification]

// MayVerify says why a customer in this state cannot be submitted, or nil: one under review waits, one that is verified stays so but
// for the change from individual to enterprise, which nobody else makes (R05, R06). The reasons of PRECONDITION_FAILED are UNDER_REVIEW,
// ALREADY_VERIFIED, NOT_VERIFIED and NOT_INDIVIDUAL.
func (c Customer) MayVerify(change bool) error {
	switch {
	case c.VerifiedStatus == VerifyReviewing:
		return Precondition("UNDER_REVIEW", "This customer's verification is under review; wait for its result.")
	case change && c.VerifiedStatus != Verified:
		return Precondition("NOT_VERIFIED", "Only a customer that is verified as an individual changes to an enterprise.")
	case change && c.Kind != Individual:
		return Precondition("NOT_INDIVIDUAL", "This customer is verified as an enterprise; only individuals change.")
	case !change && c.VerifiedStatus == Verified:
		return Precondition("ALREADY_VERIFIED", "This customer is verified; an individual may change to an enterprise.")
	}
	return nil
}

// valueOrNil is nil for an empty text.
func valueOrNil[T ~string](text T) *T {
	if text == "" {
		return nil
	}
	return &text
}

var (
	documentNumber = regexp.MustCompile(`^[0-9A-Za-z()/-]{1,64}$`)
	cardNumber     = regexp.MustCompile(`^[0-9]{12,19}$`)
	reachedAt      = regexp.MustCompile(`^[0-9]{4}-[0-9]{4,27}$`)
)

// Check applies the rules for what is said of a person or an enterprise: names of 1 to 200 characters, numbers of 1 to 64 letters, digits
// and ( ) / -, a card's of 12 to 19 digits, a phone number as 0086-13800000000. The legal person may be left out. Errors are INVALID
// with the field and never repeat a value.
func (d VerificationDetails) Check(kind VerificationKind, how IdentifyType) error {
	if err := CheckText(d.Name, "name", 200, false); err != nil {
		return err
	}
	if !documentNumber.MatchString(d.Number) {
		return Invalid("number", "A number has 1 to 64 letters, digits and ( ) / -.")
	}
	if kind == VerifyEnterprise {
		if d.LegalName != "" {
			if err := CheckText(d.LegalName, "legalName", 200, false); err != nil {
				return err
			}
		}
		if d.LegalNumber != "" && !documentNumber.MatchString(d.LegalNumber) {
			return Invalid("legalNumber", "A number has 1 to 64 letters, digits and ( ) / -.")
		}
		return nil
	}
	card := how == IdentifyByBankCard
	switch {
	case card && !cardNumber.MatchString(d.BankCard):
		return Invalid("bankCard", "A card's number has 12 to 19 digits.")
	case card && !reachedAt.MatchString(d.Phone):
		return Invalid("phone", "A phone number is written as 0086-13800000000.")
	case !card && (d.BankCard != "" || d.Phone != ""):
		return Invalid("bankCard", "Only a verification by BANK_CARD takes a card and its phone number.")
	}
	return nil
}
