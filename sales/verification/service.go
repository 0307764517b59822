package verification

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/files"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/store"
)

// Codes send and check the one-time codes of customers (R03; the vendor's scene 18); identity.Codes does, and says how.
type Codes interface {
	SendTo(ctx context.Context, who models.Principal, owner identity.CodeOwner, purpose models.CodePurpose, language *models.Language) (identity.SentCode, error)
	TryOf(ctx context.Context, owner identity.CodeOwner, purpose models.CodePurpose, code *string) (identity.Proof, error)
	Use(ctx context.Context, tx bun.IDB, who models.Principal, proof identity.Proof) error
}

// Registry is an authority that may decide at once. It is given the verification with its details open.
type Registry interface {
	Ask(ctx context.Context, application models.Verification) (Answer, error)
}

// Answer is what a registry says.
type Answer struct {
	Decided bool // false = a person has to review
	Passed  bool
	Opinion string // why not; for whoever has submitted it
}

// Platforms know the access configurations of partners; sales/exposure does.
type Platforms interface {
	ForPartner(ctx context.Context, partnerID models.ID) (config models.AccessConfiguration, found bool, err error)
	// OpenAttachment reads from the bucket of the platform that serves the partner.
	OpenAttachment(ctx context.Context, partnerID models.ID, path string) (io.ReadCloser, error)
}

// Sealer encrypts personal data at rest. A context names where a sealed value belongs; under another one it does not open.
type Sealer interface {
	Seal(plain []byte, context string) []byte
	Open(sealed []byte, context string) ([]byte, error)
}

// Service is the room. All fields are required unless they say otherwise and are set once, before use; it is then safe
// for concurrent use.
type Service struct {
	DB        *store.DB
	Now       func() time.Time
	IDs       models.IDSource
	Events    *events.Recorder
	Seal      Sealer
	Customers *customers.Service
	Platforms Platforms
	Files     *files.Service
	Codes     Codes    // nil = nobody is verified by bank card
	Registry  Registry // nil = a person reviews every one
	Logger    *slog.Logger
}

// The refusals of verification, with machine-readable reasons. models.Customer.MayVerify has those of the customer's state.
var (
	ErrAttachmentsOff  = models.Precondition("ATTACHMENTS_OFF", "The platform has not switched attachments of real-name verification on: set attachmentUpload in its access configuration (R01).")
	ErrNotForResellers = models.Precondition("NOT_FOR_RESELLERS", "A cloud reseller does not verify; its distributor does so for its customers (R01).")
	ErrCodesOff        = models.Precondition("CODES_OFF", "This server sends no one-time codes, without which nobody is verified by bank card.")
	ErrWrongImages     = models.Precondition("WRONG_IMAGES", "These are not the files that this kind of verification needs, each once and in their order.")
	ErrUnknown         = models.NotFound("verification")
	errCustomer        = models.NotFound("customer")
)

var _ files.Gate = (*Service)(nil)

// MayAttach says whether the caller may bring attachments: an operator, or a solution provider or distributor whose platform has
// switched them on (R01).
func (s *Service) MayAttach(ctx context.Context, who models.Principal) error {
	if err := mayVerify(who); err != nil || who.SeesAll() {
		return err
	}
	return s.switchedOn(ctx, who.PartnerID)
}

// mayVerify is who may verify at all.
func mayVerify(who models.Principal) error {
	switch err := access.Require(who, models.WriteCustomers); {
	case err != nil:
		return err
	case who.SeesAll():
		return nil
	case who.CustomerID != "" || who.PartnerID == "":
		return models.Forbidden("Only operators and partners submit verifications.")
	case !who.PartnerKind.HasExposure():
		return ErrNotForResellers
	}
	return nil
}

func (s *Service) switchedOn(ctx context.Context, partnerID models.ID) error {
	config, found, err := s.Platforms.ForPartner(ctx, partnerID)
	if err == nil && (!found || !config.AttachmentUpload) {
		err = ErrAttachmentsOff
	}
	return err
}

// now is the time to write: in UTC and no finer than the databases keep.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }
