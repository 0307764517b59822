package verification

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/store"
)

// Attachment names one file: an upload of the caller's, or a path below download/ in the partner's own bucket.
type Attachment struct {
	UploadID *models.ID
	Path     *string // relative to download/, case-sensitive, at most 512 bytes
}

// SubmitIndividual asks to have a person verified (R03).
type SubmitIndividual struct {
	CustomerID   models.ID
	IdentifyType models.IdentifyType
	DocumentType *models.DocumentType // required for DOCUMENT; a bank card goes with an ID card
	Name         string               // 1 to 200 characters
	Number       string               // of the document
	BankCard     *string              // the card's number; for BANK_CARD
	Phone        *string              // that the bank knows; for BANK_CARD
	Code         *string              // the customer's one-time code for REAL_NAME; for BANK_CARD
	Attachments  []Attachment         // three of the document, or the face for a bank card
}

// SubmitEnterprise asks to have an enterprise verified (R04).
type SubmitEnterprise struct {
	CustomerID      models.ID
	CertificateType models.CertificateType
	Name            string // 1 to 200 characters
	Number          string // of the certificate
	LegalName       *string
	LegalNumber     *string
	Attachments     []Attachment // the unit's document, the legal person's ID front and back
}

// Submitted is what was submitted, or decided, and the customer after it.
type Submitted struct {
	Verification models.Verification
	Customer     models.Customer
}

// application is what all submissions have in common.
type application struct {
	customerID models.ID
	row        models.Verification // with its details, without its files
	files      []Attachment
	code       *string
	proof      identity.Proof // of the code, for BANK_CARD
}

// SubmitIndividual submits documents of a person. Errors: INVALID with the field; NOT_FOUND for a customer that the caller may not see or an
// upload that is not its to use; reasons of PRECONDITION_FAILED: NOT_FOR_RESELLERS, ATTACHMENTS_OFF, UNDER_REVIEW, ALREADY_VERIFIED,
// WRONG_IMAGES, for BANK_CARD those of the customer's code (G04) and CODES_OFF without a sender of codes, and for files in a bucket those of
// exposure.OpenAttachment and files.Judge. It needs CUSTOMERS_WRITE.
func (s *Service) SubmitIndividual(ctx context.Context, who models.Principal, cmd SubmitIndividual) (Submitted, error) {
	app := application{
		customerID: cmd.CustomerID, files: cmd.Attachments, code: cmd.Code, row: models.Verification{
			Kind: models.VerifyIndividual, IdentifyType: cmd.IdentifyType, DocumentType: models.DocumentIDCard,
			Details: models.VerificationDetails{Name: cmd.Name, Number: cmd.Number, BankCard: text(cmd.BankCard), Phone: text(cmd.Phone)},
		},
	}
	if cmd.DocumentType != nil {
		app.row.DocumentType = *cmd.DocumentType
	}
	card := cmd.IdentifyType == models.IdentifyByBankCard
	switch {
	case !card && cmd.IdentifyType != models.IdentifyByDocument:
		return Submitted{}, models.Invalid("identifyType", "A person is identified by DOCUMENT or BANK_CARD.")
	case !card && cmd.DocumentType == nil || !app.row.DocumentType.Valid():
		return Submitted{}, models.Invalid("documentType", "Which document it is has to be said.")
	case card && app.row.DocumentType != models.DocumentIDCard:
		return Submitted{}, models.Invalid("documentType", "A bank card goes with an ID card.")
	case !card && text(app.code) != "":
		return Submitted{}, models.Invalid("code", "Only a verification by BANK_CARD takes a code.")
	}
	return s.submit(ctx, who, app)
}

// SubmitEnterprise submits documents of an enterprise. Errors as SubmitIndividual.
func (s *Service) SubmitEnterprise(ctx context.Context, who models.Principal, cmd SubmitEnterprise) (Submitted, error) {
	return s.submitEnterprise(ctx, who, cmd, false)
}

// ChangeToEnterprise submits documents of the enterprise that a person who is verified has become (R05). While it is under review the
// customer is too; rejected, it stays the individual that it was verified as. Errors as SubmitIndividual, with NOT_INDIVIDUAL and
// NOT_VERIFIED instead of ALREADY_VERIFIED.
func (s *Service) ChangeToEnterprise(ctx context.Context, who models.Principal, cmd SubmitEnterprise) (Submitted, error) {
	return s.submitEnterprise(ctx, who, cmd, true)
}

func (s *Service) submitEnterprise(ctx context.Context, who models.Principal, cmd SubmitEnterprise, change bool) (Submitted, error) {
	if !cmd.CertificateType.Valid() {
		return Submitted{}, models.Invalid("certificateType", "There is no such certificate.")
	}
	return s.submit(ctx, who, application{
		customerID: cmd.CustomerID, files: cmd.Attachments, row: models.Verification{
			Kind: models.VerifyEnterprise, IsChange: change, CertificateType: cmd.CertificateType,
			Details: models.VerificationDetails{Name: cmd.Name, Number: cmd.Number, LegalName: text(cmd.LegalName), LegalNumber: text(cmd.LegalNumber)},
		},
	})
}

func text(given *string) string {
	if given == nil {
		return ""
	}
	return *given
}

func (s *Service) submit(ctx context.Context, who models.Principal, app application) (Submitted, error) {
	if err := mayVerify(who); err != nil {
		return Submitted{}, err
	}
	if err := app.customerID.Require(models.PrefixCustomer, "customerId"); err != nil {
		return Submitted{}, err
	}
	if err := app.row.Details.Check(app.row.Kind, app.row.IdentifyType); err != nil {
		return Submitted{}, err
	}
	customer, found, err := s.Customers.ByIDIn(ctx, s.DB, who, app.customerID)
	if err == nil && !found {
		err = errCustomer
	}
	if err == nil {
		err = s.mayBe(ctx, who, customer, app)
	}
	if err != nil {
		return Submitted{}, err
	}
	// Slow things first: files are read and judged, and an authority is asked, before anything is locked.
	if app.row.Details.Attachments, err = s.attach(ctx, who, customer.PartnerID, app); err != nil {
		return Submitted{}, err
	}
	if app.row.IdentifyType == models.IdentifyByBankCard {
		// What is wrong with the code is said before an authority hears of the person.
		if app.proof, err = s.Codes.TryOf(ctx, ownerOf(customer), models.CodeRealName, app.code); err == nil {
			err = app.proof.Refusal()
		}
		if err != nil {
			return Submitted{}, err
		}
	}
	app.row.ID, app.row.CustomerID, app.row.PartnerID = s.IDs(models.PrefixVerification), customer.ID, customer.PartnerID
	answer := s.ask(ctx, app.row)
	var done Submitted
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		done, err = s.submitIn(ctx, tx, who, app, answer)
		return err
	})
	return done, err
}

// mayBe is everything that stands in the way beside the files.
func (s *Service) mayBe(ctx context.Context, who models.Principal, customer models.Customer, app application) error {
	if !who.SeesAll() { // operators verify also where no platform does
		if err := s.switchedOn(ctx, customer.PartnerID); err != nil {
			return err
		}
	}
	if err := customer.MayVerify(app.row.IsChange); err != nil {
		return err
	}
	if app.row.IdentifyType == models.IdentifyByBankCard && s.Codes == nil {
		return ErrCodesOff
	}
	return nil
}

// ask lets an authority decide. One that fails leaves the decision to a person.
func (s *Service) ask(ctx context.Context, row models.Verification) Answer {
	if s.Registry == nil {
		return Answer{}
	}
	answer, err := s.Registry.Ask(ctx, row)
	if err != nil {
		s.Logger.WarnContext(ctx, "authority did not answer; a person reviews", slog.String("verification", string(row.ID)), slog.Any("error", err))
		return Answer{}
	}
	return answer
}

func (s *Service) submitIn(ctx context.Context, tx bun.IDB, who models.Principal, app application, answer Answer) (Submitted, error) {
	row := app.row
	customer, found, err := s.Customers.ByIDForUpdateIn(ctx, tx, who, row.CustomerID)
	switch {
	case err != nil:
		return Submitted{}, err
	case !found || customer.PartnerID != row.PartnerID:
		return Submitted{}, errCustomer // it has left its partner meanwhile
	}
	if err := customer.MayVerify(row.IsChange); err != nil {
		return Submitted{}, err
	}
	if row.IdentifyType == models.IdentifyByBankCard {
		if err := s.Codes.Use(ctx, tx, who, app.proof); err != nil {
			return Submitted{}, err
		}
	}
	for _, file := range row.Details.Attachments {
		if file.UploadID == "" {
			continue
		}
		if err := s.Files.KeepIn(ctx, tx, who, models.UploadAttachment, file.UploadID); err != nil {
			return Submitted{}, err
		}
	}
	row.Status, row.IsReview, row.CreatedAt = models.VerifyReviewing, !answer.Decided, s.now()
	s.seal(&row)
	if err := insertRow(ctx, tx, &row); err != nil {
		if store.Conflicts(err, "verifications", "customer_id") {
			return Submitted{}, customer.MayVerify(row.IsChange)
		}
		return Submitted{}, err
	}
	before := customer.VerifiedStatus
	if err := s.Customers.VerifyIn(ctx, tx, who, &customer, models.VerifyReviewing, nil); err != nil {
		return Submitted{}, err
	}
	if err := s.record(ctx, tx, who, models.EventVerificationMade, row, before); err != nil {
		return Submitted{}, err
	}
	if answer.Decided {
		if err := s.decideIn(ctx, tx, who, &row, &customer, answer.Passed, answer.Opinion); err != nil {
			return Submitted{}, err
		}
	}
	s.reveal(who, &row)
	return Submitted{Verification: row, Customer: customer}, nil
}

// record tells the customer and its partner; what it says is states and kinds only.
func (s *Service) record(ctx context.Context, tx bun.IDB, who models.Principal, what models.EventType, row models.Verification, before models.VerifiedStatus) error {
	return s.Events.Record(ctx, tx, who, models.Event{
		Type: what, PartnerID: row.PartnerID, CustomerID: row.CustomerID, SubjectID: string(row.ID), Fields: []string{"status"},
		Changes: []models.FieldChange{models.Changed("status", before, row.Status)},
		Data:    map[string]any{"kind": row.Kind, "isChange": row.IsChange, "isReview": row.IsReview, "status": row.Status},
	})
}

func detailsContext(id models.ID) string { return "verifications.details:" + string(id) }

func (s *Service) seal(row *models.Verification) {
	plain, err := json.Marshal(row.Details)
	if err != nil {
		panic(err) // texts and numbers
	}
	row.DetailsSealed = s.Seal.Seal(plain, detailsContext(row.ID))
}

// open fills in the details for a caller who may see the row.
func (s *Service) open(who models.Principal, row *models.Verification) error {
	plain, err := s.Seal.Open(row.DetailsSealed, detailsContext(row.ID))
	if err == nil {
		err = json.Unmarshal(plain, &row.Details)
	}
	if err != nil {
		return fmt.Errorf("verification: the details of %s do not open: %w", row.ID, err)
	}
	s.reveal(who, row)
	return nil
}

// reveal shows names and numbers to reviewers only.
func (s *Service) reveal(who models.Principal, row *models.Verification) {
	row.Reveal = who.SeesAll() && who.May(models.ReviewVerifications)
}
