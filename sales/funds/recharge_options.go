package funds

import (
	"context"
	"errors"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// RechargeOptions tells in which ways the caller may recharge, or the reason why it may not. It needs BALANCES_READ.
func (s *Service) RechargeOptions(ctx context.Context, who models.Principal) (models.RechargeOptions, error) {
	if err := access.Require(who, models.ReadBalances); err != nil {
		return models.RechargeOptions{}, err
	}
	none := models.RechargeOptions{Options: []models.RechargeOption{}}
	by, err := payerOf(ctx, s.DB, who)
	if err != nil {
		reason, ok := refusalReason(err)
		none.Refusal = &reason
		if !ok {
			return models.RechargeOptions{}, err
		}
		return none, nil
	}
	entity, found := by.entity(s.SigningEntities)
	options := entity.options()
	if !found || len(options) == 0 {
		reason := ErrMethodNotOpen.Reason()
		none.Refusal = &reason
		return none, nil
	}
	return models.RechargeOptions{SigningEntity: &entity.Name, Currency: &entity.Currency, Options: options}, nil
}

// refusalReason is the reason why a caller may not recharge; operators have none of PRECONDITION_FAILED.
func refusalReason(err error) (string, bool) {
	var refused *models.Error
	switch {
	case errors.Is(err, ErrOperatorsConfirm):
		return "OPERATORS_CONFIRM", true
	case errors.As(err, &refused) && refused.Reason() != "":
		return refused.Reason(), true
	}
	return "", false
}
