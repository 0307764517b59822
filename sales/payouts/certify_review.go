package payouts

import (
	"context"
	"strconv"

	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
)

// ReviewCertification is what an operator decides.
type ReviewCertification struct {
	CertificationID models.ID
	Approve         bool                           // false = reject
	TestAmount      *decimal.Decimal               // sent to the bank account, 0.01 to 9.99; required to approve, nil otherwise
	RejectionCode   *models.CertificationRejection // required to reject, nil otherwise
	ReasonText      *string                        // for the partner, 1 to 500 characters, no personal data; required to reject, nil otherwise
}

// ReviewCertification approves what waits for a review, once a small amount is on its way to the bank account, or rejects what has not
// ended. The amount is kept sealed, and the partner has to say it. Operators with PAYOUTS_WRITE only; NOT_FOUND for an unknown one, INVALID with the
// field, PRECONDITION_FAILED with CERTIFICATION_STATE.
func (s *Service) ReviewCertification(ctx context.Context, who models.Principal, cmd ReviewCertification) (CertificationChange, error) {
	if err := mayPay(who); err != nil {
		return CertificationChange{}, err
	}
	if err := cmd.check(); err != nil {
		return CertificationChange{}, err
	}
	return s.certify(ctx, who, cmd.CertificationID, func(c *models.CommercialCertification) (models.EventType, error) {
		if !cmd.Approve {
			return models.EventCertificationRejected, c.Reject(*cmd.RejectionCode, *cmd.ReasonText, s.now())
		}
		money, err := models.ParseMoney(*cmd.TestAmount, c.Currency, "testAmount")
		if err != nil {
			return "", err
		}
		if money.Minor < 1 || money.Minor > models.MaxTestAmountMinor {
			return "", models.Invalid("testAmount", "The amount that is sent is 0.01 to 9.99.")
		}
		c.TestSealed = s.Seal.Seal([]byte(strconv.FormatInt(money.Minor, 10)), columnTest+string(c.ID))
		return models.EventCertificationApproved, c.Approve(s.now())
	})
}

func (cmd ReviewCertification) check() error {
	if cmd.Approve {
		switch {
		case cmd.TestAmount == nil:
			return models.Invalid("testAmount", "Say which amount was sent to the bank account.")
		case cmd.RejectionCode != nil || cmd.ReasonText != nil:
			return models.Invalid("rejectionCode", "An approval has no reason.")
		}
		return nil
	}
	switch {
	case cmd.TestAmount != nil:
		return models.Invalid("testAmount", "A rejection sends nothing.")
	case cmd.RejectionCode == nil || !cmd.RejectionCode.Valid():
		return models.Invalid("rejectionCode", "Say why, by one of the codes.")
	case cmd.ReasonText == nil:
		return models.Invalid("reasonText", "Say why, in words.")
	}
	return models.CheckText(*cmd.ReasonText, "reasonText", maxText, false)
}

// maxText bounds what people write, in characters.
const maxText = 500

// UnlockCertification names a certification that three wrong amounts have locked.
type UnlockCertification struct {
	CertificationID models.ID
}

// UnlockCertification lets the partner confirm the same amount again, with three more attempts (M13). Operators with PAYOUTS_WRITE only;
// CERTIFICATION_STATE when it is not locked.
func (s *Service) UnlockCertification(ctx context.Context, who models.Principal, cmd UnlockCertification) (CertificationChange, error) {
	if err := mayPay(who); err != nil {
		return CertificationChange{}, err
	}
	return s.certify(ctx, who, cmd.CertificationID, func(c *models.CommercialCertification) (models.EventType, error) {
		return models.EventCertificationUnlocked, c.Unlock(s.now())
	})
}
