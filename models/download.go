package models

import (
	"time"

	"github.com/uptrace/bun"
)

// DownloadKind says what a download is of.
type DownloadKind string

// The kinds of downloads.
const (
	DownloadOfAttachment DownloadKind = "VERIFICATION_ATTACHMENT" // the subject is the verification
	DownloadOfBankLetter DownloadKind = "BANK_LETTER"             // the certification
	DownloadOfProof      DownloadKind = "BENEFIT_PROOF"           // the application
	DownloadOfStaffList  DownloadKind = "STAFF_LIST"              // the payment
)

// DownloadLife is how long a download waits.
const DownloadLife = 5 * time.Minute

// Download is the right to read one file once. The token itself is not kept, only its digest.
type Download struct {
	bun.BaseModel `bun:"table:downloads,alias:dnl"`

	TokenHash      []byte `bun:",pk"`
	OrganisationID string // whose credential it asks for: a partner's or customer's id, or that of the operators
	Kind           DownloadKind
	SubjectID      ID
	Position       int // of the file among those of the subject, from 0
	CreatedAt      time.Time
	ExpiresAt      time.Time
}
