package benefits

import (
	"context"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// Application names an application for a step that needs no more.
type Application struct {
	ApplicationID models.ID
}

// Changed is an application as it is after the operation.
type Changed struct {
	BenefitApplication models.BenefitApplication
}

// step is what a move does beside its state; it may note what it changed.
type step func(ctx context.Context, tx bun.IDB, row *models.BenefitApplication, did *changes, data map[string]any) error

// eventOf is what a move is called on record.
func eventOf(move models.BenefitMove) models.EventType {
	return map[models.BenefitMove]models.EventType{
		models.MoveSubmit: models.EventBenefitSubmitted, models.MoveStartReview: models.EventBenefitReviewStarted,
		models.MoveApprove: models.EventBenefitApproved, models.MoveReject: models.EventBenefitRejected,
		models.MoveWithdraw: models.EventBenefitWithdrawn, models.MoveEdit: models.EventBenefitEdited, models.MoveDelete: models.EventBenefitDeleted,
		models.MoveLapse: models.EventBenefitLapsed, models.MoveProve: models.EventBenefitProofSubmitted,
		models.MoveAcceptProof: models.EventBenefitProofAccepted, models.MoveRefuseProof: models.EventBenefitProofRefused,
		models.MoveEndPublicity: models.EventBenefitPublicityEnded, models.MoveInvoice: models.EventBenefitInvoiced,
		models.MoveAcceptInvoice: models.EventBenefitInvoiceAccepted, models.MovePay: models.EventBenefitPaid,
	}[move]
}

// move makes a move of an application that the caller may see, with the standing of its partner locked.
func (s *Service) move(ctx context.Context, who models.Principal, id models.ID, move models.BenefitMove, more step) (Changed, error) {
	seen, err := s.application(ctx, who, id)
	if err != nil {
		return Changed{}, err
	}
	var done Changed
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := lockStanding(ctx, tx, seen.PartnerID, s.now()); err != nil {
			return err
		}
		row, found, err := selectApplicationForUpdate(ctx, tx, who, id)
		if err == nil && !found {
			err = ErrApplicationUnknown
		}
		if err != nil {
			return err
		}
		if err := s.moveIn(ctx, tx, who, &row, move, more); err != nil {
			return err
		}
		done.BenefitApplication = row
		return nil
	})
	return done, err
}

// moveIn makes a move of a locked application.
func (s *Service) moveIn(ctx context.Context, tx bun.IDB, who models.Principal, row *models.BenefitApplication, move models.BenefitMove, more step) error {
	before, err := row.Move(move, s.now())
	if err != nil {
		return err
	}
	var did changes
	did.add("status", string(before), string(row.Status))
	data := map[string]any{"kind": row.Kind, "status": row.Status}
	if more != nil {
		if err := more(ctx, tx, row, &did, data); err != nil {
			return err
		}
	}
	if err := updateRow(ctx, tx, row); err != nil {
		return err
	}
	return s.record(ctx, tx, who, eventOf(move), *row, did, data)
}

func (s *Service) record(ctx context.Context, tx bun.IDB, who models.Principal, what models.EventType, row models.BenefitApplication, did changes, data map[string]any) error {
	return s.Events.Record(ctx, tx, who, models.Event{
		Type: what, PartnerID: row.PartnerID, SubjectID: string(row.ID), Fields: did.fields(), Changes: did, Data: data,
	})
}

// add writes a new application down.
func (s *Service) add(ctx context.Context, tx bun.IDB, who models.Principal, row *models.BenefitApplication, data map[string]any) error {
	what := models.EventBenefitSubmitted
	if row.Status == models.BenefitDraft {
		what = models.EventBenefitDrafted
	}
	if err := insertRow(ctx, tx, row); err != nil {
		return err
	}
	var did changes
	did.add("status", "", string(row.Status))
	did.add("amount", "", amountText(row.Amount()))
	data["kind"], data["status"] = row.Kind, row.Status
	return s.record(ctx, tx, who, what, *row, did, data)
}

func amountText(m *models.Money) string {
	if m == nil {
		return ""
	}
	return m.Plain()
}

// Submit hands an application in: a draft for the capability-uplift incentive, for which the partner must still be eligible, or a request to the
// market development fund that was withdrawn, which must fit its cap again. The partner itself may, and operators. It needs INCENTIVES_WRITE.
// Errors: NOT_FOUND; the reasons of models.BenefitApplication.Move, of models.UpliftFacts.Blockers, and of RequestMDF.
func (s *Service) Submit(ctx context.Context, who models.Principal, cmd Application) (Changed, error) {
	if err := access.Require(who, models.WriteIncentives); err != nil {
		return Changed{}, err
	}
	return s.move(ctx, who, cmd.ApplicationID, models.MoveSubmit, func(ctx context.Context, tx bun.IDB, row *models.BenefitApplication, _ *changes, _ map[string]any) error {
		partner, standing, err := earner(ctx, tx, models.SystemPrincipal("benefits"), &row.PartnerID, s.now())
		if err != nil {
			return err
		}
		if row.Details.MDF != nil {
			if _, err := row.Details.MDF.Check(s.now()); err != nil { // it may have been withdrawn long ago
				return err
			}
			return s.fits(ctx, tx, partner, standing, row.Year, row.AmountMinor)
		}
		status, err := s.statusOf(ctx, tx, partner, standing, row.Subject)
		if err != nil {
			return err
		}
		return models.BenefitRefusal(status.Blockers)
	})
}

// Withdraw takes a request to the market development fund back, which may then be edited, submitted again or deleted (N09). The partner itself may,
// and operators. It needs INCENTIVES_WRITE. Errors: NOT_FOUND; the reasons of models.BenefitApplication.Move.
func (s *Service) Withdraw(ctx context.Context, who models.Principal, cmd Application) (Changed, error) {
	if err := access.Require(who, models.WriteIncentives); err != nil {
		return Changed{}, err
	}
	return s.move(ctx, who, cmd.ApplicationID, models.MoveWithdraw, nil)
}

// Delete deletes a draft, or a request that was withdrawn; its row stays for the record. Otherwise as Withdraw.
func (s *Service) Delete(ctx context.Context, who models.Principal, cmd Application) (Changed, error) {
	if err := access.Require(who, models.WriteIncentives); err != nil {
		return Changed{}, err
	}
	return s.move(ctx, who, cmd.ApplicationID, models.MoveDelete, nil)
}

// StartReview begins the review of an application for the capability-uplift incentive. Operators with BENEFITS_REVIEW only. Errors: NOT_FOUND;
// the reasons of models.BenefitApplication.Move.
func (s *Service) StartReview(ctx context.Context, who models.Principal, cmd Application) (Changed, error) {
	if err := mayReview(who); err != nil {
		return Changed{}, err
	}
	return s.move(ctx, who, cmd.ApplicationID, models.MoveStartReview, nil)
}

// Review decides about an application.
type Review struct {
	ApplicationID models.ID
	Approve       bool
	Amount        *decimal.Decimal // what is approved; nil = what was asked for. Required where nothing was, unless it is no money
	Opinion       *string          // why not, 1 to 256 characters, for the partner; required unless it is approved
}

// Review approves an application, or rejects it: an opportunity is publicised, everything else is approved. No more is approved than was asked
// for. Operators with BENEFITS_REVIEW only. Errors: INVALID, NOT_FOUND; the reasons of models.BenefitApplication.Move.
func (s *Service) Review(ctx context.Context, who models.Principal, cmd Review) (Changed, error) {
	if err := mayReview(who); err != nil {
		return Changed{}, err
	}
	if err := checkOpinion(cmd.Approve, cmd.Opinion); err != nil {
		return Changed{}, err
	}
	if !cmd.Approve {
		if cmd.Amount != nil {
			return Changed{}, models.Invalid("amount", "Nothing is approved by a refusal.")
		}
		return s.move(ctx, who, cmd.ApplicationID, models.MoveReject, func(ctx context.Context, tx bun.IDB, row *models.BenefitApplication, _ *changes, _ map[string]any) error {
			row.Opinion = text(cmd.Opinion)
			return deleteOrders(ctx, tx, row.ID) // another application may have them
		})
	}
	return s.move(ctx, who, cmd.ApplicationID, models.MoveApprove, func(_ context.Context, _ bun.IDB, row *models.BenefitApplication, did *changes, _ map[string]any) error {
		minor, err := cmd.approved(*row)
		if err != nil {
			return err
		}
		row.ApprovedMinor, row.Opinion = minor, ""
		did.add("approved", "", amountText(row.Approved()))
		return nil
	})
}

// approved is how much is approved of an application; nil for what is no money.
func (cmd Review) approved(row models.BenefitApplication) (*int64, error) {
	if cmd.Amount == nil {
		switch {
		case row.AmountMinor > 0:
			return &row.AmountMinor, nil
		case row.Details.Uplift != nil && row.Details.Uplift.Form != models.UpliftCash:
			return nil, nil
		}
		return nil, models.Invalid("amount", "Say how much is approved.")
	}
	money, err := models.ParseMoney(*cmd.Amount, row.Currency, "amount")
	switch {
	case err != nil:
		return nil, err
	case money.Minor <= 0:
		return nil, models.Invalid("amount", "The amount is above zero.")
	case row.AmountMinor > 0 && money.Minor > row.AmountMinor:
		return nil, models.Invalid("amount", "No more is approved than was asked for.")
	}
	return &money.Minor, nil
}

// EndPublicity ends the time in which an opportunity was publicised without an objection: it waits for its payout (N10). Operators with
// BENEFITS_REVIEW only. Errors: NOT_FOUND; the reasons of models.BenefitApplication.Move.
func (s *Service) EndPublicity(ctx context.Context, who models.Principal, cmd Application) (Changed, error) {
	if err := mayReview(who); err != nil {
		return Changed{}, err
	}
	return s.move(ctx, who, cmd.ApplicationID, models.MoveEndPublicity, nil)
}

// SendInvoice says which invoice goes with the printed list.
type SendInvoice struct {
	ApplicationID models.ID
	InvoiceNumber string // 1 to 64 printable ASCII characters
}

// SendInvoice notes that the list was printed and which invoice was sent with it (4.2). The partner itself may, and operators. It needs
// INCENTIVES_WRITE. Errors: INVALID, NOT_FOUND; the reasons of models.BenefitApplication.Move.
func (s *Service) SendInvoice(ctx context.Context, who models.Principal, cmd SendInvoice) (Changed, error) {
	if err := access.Require(who, models.WriteIncentives); err != nil {
		return Changed{}, err
	}
	if err := models.CheckReference(cmd.InvoiceNumber, "invoiceNumber", models.MaxReference); err != nil {
		return Changed{}, err
	}
	return s.move(ctx, who, cmd.ApplicationID, models.MoveInvoice, func(_ context.Context, _ bun.IDB, row *models.BenefitApplication, did *changes, _ map[string]any) error {
		did.add("invoiceNumber", row.InvoiceNumber, cmd.InvoiceNumber)
		row.InvoiceNumber = cmd.InvoiceNumber
		return nil
	})
}

// AcceptInvoice notes that the invoice has arrived and is right: the application waits for its payment. Operators with BENEFITS_REVIEW only.
// Errors: NOT_FOUND; the reasons of models.BenefitApplication.Move.
func (s *Service) AcceptInvoice(ctx context.Context, who models.Principal, cmd Application) (Changed, error) {
	if err := mayReview(who); err != nil {
		return Changed{}, err
	}
	return s.move(ctx, who, cmd.ApplicationID, models.MoveAcceptInvoice, nil)
}

// Complete says how an application was paid.
type Complete struct {
	ApplicationID models.ID
	Reference     string // of the payment, 1 to 64 printable ASCII characters
}

// Complete notes that an application was paid. No money moves here. Operators with BENEFITS_REVIEW only. Errors: INVALID, NOT_FOUND; the reasons
// of models.BenefitApplication.Move, BENEFIT_PAID the second time.
func (s *Service) Complete(ctx context.Context, who models.Principal, cmd Complete) (Changed, error) {
	if err := mayReview(who); err != nil {
		return Changed{}, err
	}
	if err := models.CheckReference(cmd.Reference, "reference", models.MaxReference); err != nil {
		return Changed{}, err
	}
	return s.move(ctx, who, cmd.ApplicationID, models.MovePay, func(_ context.Context, _ bun.IDB, row *models.BenefitApplication, did *changes, _ map[string]any) error {
		did.add("reference", row.Reference, cmd.Reference)
		row.Reference = cmd.Reference
		return nil
	})
}
