package verification

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/customers"
)

// ErrNotUnderReview refuses a second decision.
var ErrNotUnderReview = models.Precondition("NOT_UNDER_REVIEW", "This verification was decided before.")

// maxOpinion bounds an opinion, in characters.
const maxOpinion = 256

// Review is a reviewer's decision.
type Review struct {
	VerificationID models.ID
	Passed         bool
	Opinion        *string // why not, 1 to 256 characters, for whoever has submitted it; required unless it has passed
}

// Review decides about a verification: the customer is verified and becomes what was proven (C17), or is rejected and may be submitted
// again (R06). Operators with VERIFICATIONS_REVIEW only; NOT_FOUND for an unknown one; NOT_UNDER_REVIEW the second time.
func (s *Service) Review(ctx context.Context, who models.Principal, cmd Review) (Submitted, error) {
	if err := mayReview(who); err != nil {
		return Submitted{}, err
	}
	if err := cmd.check(); err != nil {
		return Submitted{}, err
	}
	found, err := s.ByIDs(ctx, who, []models.ID{cmd.VerificationID})
	if err != nil {
		return Submitted{}, err
	}
	row, ok := found[cmd.VerificationID]
	if !ok {
		return Submitted{}, ErrUnknown
	}
	var done Submitted
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		customer, found, err := s.Customers.ByIDForUpdateIn(ctx, tx, who, row.CustomerID)
		if err == nil && !found {
			err = ErrUnknown
		}
		if err != nil {
			return err
		}
		current := row
		if current.Status, err = lockStatus(ctx, tx, row.ID); err != nil {
			return err
		}
		if err := s.decideIn(ctx, tx, who, &current, &customer, cmd.Passed, text(cmd.Opinion)); err != nil {
			return err
		}
		done = Submitted{Verification: current, Customer: customer}
		return nil
	})
	return done, err
}

func mayReview(who models.Principal) error {
	if err := access.Require(who, models.ReviewVerifications); err != nil {
		return err
	}
	if !who.SeesAll() {
		return models.Forbidden("Only an operator reviews verifications.")
	}
	return nil
}

func (cmd Review) check() error {
	if err := cmd.VerificationID.Require(models.PrefixVerification, "verificationId"); err != nil {
		return err
	}
	opinion := text(cmd.Opinion)
	switch {
	case cmd.Passed && opinion != "":
		return models.Invalid("opinion", "Only a rejection has an opinion.")
	case !cmd.Passed && strings.TrimSpace(opinion) == "":
		return models.Invalid("opinion", "A rejection needs an opinion.")
	case utf8.RuneCountInString(opinion) > maxOpinion || !utf8.ValidString(opinion) || strings.ContainsFunc(opinion, unicode.IsControl):
		return models.Invalid("opinion", "An opinion has at most 256 characters and no control characters.")
	}
	return nil
}

// decideIn decides about a verification whose customer's row is locked.
func (s *Service) decideIn(ctx context.Context, tx bun.IDB, who models.Principal, row *models.Verification, customer *models.Customer, passed bool, opinion string) error {
	if row.Status != models.VerifyReviewing {
		return ErrNotUnderReview
	}
	now, status, what := s.now(), models.VerifyRejected, models.EventVerificationRejected
	row.Status, row.Opinion, row.DecidedAt = models.VerifyRejected, opinion, &now
	var proven *customers.Proven
	switch {
	case passed:
		row.Status, row.Opinion, status, what = models.Verified, "", models.Verified, models.EventVerificationPassed
		proven = &customers.Proven{Kind: row.Kind.CustomerKind(), RealName: row.Details.Name}
	case row.IsChange: // it is still the individual that it was verified as
		status = models.Verified
	}
	if err := updateDecided(ctx, tx, row); err != nil {
		return err
	}
	if err := s.Customers.VerifyIn(ctx, tx, who, customer, status, proven); err != nil {
		return err
	}
	return s.record(ctx, tx, who, what, *row, models.VerifyReviewing)
}
