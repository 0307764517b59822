package models

import (
	"path"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/uptrace/bun"
)

// UploadPurpose says what a file is uploaded for; each has its own bound and its own kinds of content.
type UploadPurpose string

// The purposes.
const (
	UploadAttachment  UploadPurpose = "VERIFICATION_ATTACHMENT" // of real-name verification (R02)
	UploadIDPMetadata UploadPurpose = "IDP_METADATA"            // of a platform's identity provider (A02)
	UploadUsage       UploadPurpose = "USAGE_RECORDS"           // of pay-per-use, as CSV
	UploadBankLetter  UploadPurpose = "BANK_LETTER"             // that a bank account is the partner's (M13)
	UploadProof       UploadPurpose = "BENEFIT_PROOF"           // of what money of the market development fund was used for (N09)
	UploadLogo        UploadPurpose = "BRAND_LOGO"              // of a partner's brand (A09)
)

// The bounds of files, in bytes.
const (
	MaxAttachmentBytes = 10 << 20 // R02
	MaxMetadataBytes   = 2 << 20  // A02
	MaxUsageBytes      = 8 << 20  // far more than MaxUsageRows need
	MaxLogoBytes       = 512 << 10
)

// Valid reports whether p is one of the purposes.
func (p UploadPurpose) Valid() bool {
	return p == UploadAttachment || p == UploadIDPMetadata || p == UploadUsage || p == UploadBankLetter || p == UploadProof || p == UploadLogo
}

// MaxBytes is how large a file of this purpose may be.
func (p UploadPurpose) MaxBytes() int64 {
	switch p {
	case UploadIDPMetadata:
		return MaxMetadataBytes
	case UploadUsage:
		return MaxUsageBytes
	case UploadLogo:
		return MaxLogoBytes
	}
	return MaxAttachmentBytes
}

// MaxPicture is how many pixels a picture of this purpose may have, in all and on a side.
func (p UploadPurpose) MaxPicture() (pixels, side int) {
	if p == UploadLogo {
		return 512 << 10, 1024
	}
	return 16 << 20, 16_384 // a pixel takes up to twelve bytes while it is decoded
}

// Permission is what a credential needs to upload for this purpose.
func (p UploadPurpose) Permission() Permission {
	switch p {
	case UploadIDPMetadata, UploadLogo:
		return WriteExposure
	case UploadUsage:
		return WriteUsage
	case UploadBankLetter, UploadProof:
		return WriteIncentives
	}
	return WriteCustomers
}

// FileKind is a kind of file that is taken: how it is called and what it is served as.
type FileKind struct {
	ContentType string
	Extensions  []string // the first is the one that it is kept under
}

// fileKinds are the kinds of a purpose. Attachments are those of R02, and so are bank letters.
func fileKinds(p UploadPurpose) []FileKind {
	switch p {
	case UploadIDPMetadata:
		return []FileKind{{"application/xml", []string{"xml"}}}
	case UploadUsage:
		return []FileKind{{"text/csv", []string{"csv"}}}
	case UploadLogo:
		return []FileKind{{"image/png", []string{"png"}}, {"image/jpeg", []string{"jpg", "jpeg"}}}
	}
	return []FileKind{
		{"image/jpeg", []string{"jpg", "jpeg"}}, {"image/png", []string{"png"}}, {"image/gif", []string{"gif"}},
		{"image/bmp", []string{"bmp"}}, {"application/pdf", []string{"pdf"}},
	}
}

// aliases are other names of the content types that are taken.
func contentTypeAliases() map[string]string {
	return map[string]string{
		"text/xml": "application/xml", "application/samlmetadata+xml": "application/xml", "image/jpg": "image/jpeg", "image/x-ms-bmp": "image/bmp",
	}
}

// KindOf returns the kind of file that a name's extension stands for.
func (p UploadPurpose) KindOf(name string) (FileKind, bool) {
	extension := strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
	for _, kind := range fileKinds(p) {
		if slices.Contains(kind.Extensions, extension) {
			return kind, true
		}
	}
	return FileKind{}, false
}

// Is reports whether a content type, without parameters, means this kind.
func (k FileKind) Is(contentType string) bool {
	contentType = strings.ToLower(strings.TrimSpace(contentType))
	if other, ok := contentTypeAliases()[contentType]; ok {
		contentType = other
	}
	return contentType == k.ContentType
}

// IsImage reports whether files of this kind are pictures.
func (k FileKind) IsImage() bool { return strings.HasPrefix(k.ContentType, "image/") }

// UploadState is what has become of an upload.
type UploadState string

// The states. Only READY files may be used; WAITING, RECEIVING and READY ones that are not used in time become EXPIRED.
const (
	UploadWaiting   UploadState = "WAITING"   // the URL was not used yet
	UploadReceiving UploadState = "RECEIVING" // the URL was used; nothing is kept so far
	UploadReady     UploadState = "READY"     // checked and kept
	UploadKept      UploadState = "KEPT"      // something refers to it
	UploadTaken     UploadState = "TAKEN"     // its content was copied; the file may go
	UploadRefused   UploadState = "REFUSED"   // nothing was kept
	UploadExpired   UploadState = "EXPIRED"
)

// Upload is a file that somebody may bring once, and what has become of it. The token itself is not kept, only its digest, nor is the
// file's name, which may be personal.
type Upload struct {
	bun.BaseModel `bun:"table:uploads,alias:upl"`

	ID             ID            `bun:"id,pk"`
	TokenHash      []byte        `bun:"token_hash"`
	OrganisationID string        `bun:"organisation_id"` // Principal.OrganisationID of whoever may bring and use it
	Purpose        UploadPurpose `bun:"purpose"`
	ContentType    string        `bun:"content_type"`
	Extension      string        `bun:"extension"` // without the dot
	Size           int64         `bun:"size"`      // in bytes, as announced
	State          UploadState   `bun:"state"`
	Refusal        string        `bun:"refusal,nullzero"` // the machine-readable reason; empty unless REFUSED
	Digest         string        `bun:"digest,nullzero"`  // SHA-256 in hex; empty until READY
	CreatedAt      time.Time     `bun:"created_at"`
	ExpiresAt      time.Time     `bun:"expires_at"` // until when it may be brought, then be used
	RemovedAt      *time.Time    `bun:"removed_at"` // since when nothing of it is stored; nil = something may be
}

// Key is where the file is kept: below download/, as R02 has it for every attachment.
func (u Upload) Key() string { return AttachmentRoot + string(u.ID) + "." + u.Extension }

// AttachmentRoot is what the keys of attachments begin with, in this server's store and in partners' buckets (R02).
const AttachmentRoot = "download/"

// maxAttachmentPath bounds a path, in bytes, so that the key stays within what object stores take.
const maxAttachmentPath = 512

// CheckAttachmentPath applies the rule for paths in a partner's bucket: relative to download/, case-sensitive, at most 512 bytes, segments
// joined by single slashes, none of them . or .., no back slashes, control characters or percent signs, and the extension of a
// kind of file that is taken (R02).
func CheckAttachmentPath(raw, field string) error {
	bad := func(what string) error { return Invalid(field, "This is not a path below download/: "+what) }
	switch {
	case raw == "":
		return bad("it is empty.")
	case len(raw) > maxAttachmentPath:
		return bad("it is longer than 512 bytes.")
	case !utf8.ValidString(raw) || strings.ContainsFunc(raw, func(r rune) bool { return unicode.IsControl(r) || !unicode.IsPrint(r) }):
		return bad("it has control or invisible characters.")
	case strings.ContainsAny(raw, "\\%?#:*\"<>|"):
		return bad("it has a character that paths may not have.")
	case strings.HasPrefix(raw, "/"):
		return bad("it is absolute; leave download/ and what is before it away.")
	}
	for segment := range strings.SplitSeq(raw, "/") {
		if segment == "" || segment == "." || segment == ".." || strings.TrimSpace(segment) != segment {
			return bad("it has an empty, dotted or padded segment.")
		}
	}
	if _, ok := UploadAttachment.KindOf(raw); !ok {
		return bad("it must end in jpg, jpeg, png, gif, bmp or pdf.")
	}
	return nil
}

// CheckUploadName applies the rule for the names of files: at most 255 bytes, no directories, no control characters, and an extension that the
// purpose takes. It returns the kind of file.
func CheckUploadName(p UploadPurpose, name, field string) (FileKind, error) {
	switch {
	case name == "" || len(name) > 255 || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return FileKind{}, Invalid(field, "A file name has 1 to 255 bytes and no control characters.")
	case strings.ContainsAny(name, "/\\:"), name == ".", name == "..":
		return FileKind{}, Invalid(field, "A file name has no directories.")
	}
	kind, ok := p.KindOf(name)
	if !ok {
		var all []string
		for _, kind := range fileKinds(p) {
			all = append(all, kind.Extensions...)
		}
		return FileKind{}, Invalid(field, "A file of this purpose ends in "+strings.Join(all, ", ")+".")
	}
	return kind, nil
}
