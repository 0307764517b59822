package resolvers

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/vikstrous/dataloadgen"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/webhooks"
)

// deliveryQuestion is a page of the deliveries that a filter leaves; the filter is JSON, so that equal ones meet.
type deliveryQuestion struct {
	page   pageKey // without the parent
	filter string
}

type deliveryLoader struct {
	loader *dataloadgen.Loader[asked[deliveryQuestion], models.Connection[models.WebhookDelivery]]
}

// load reads one endpoint's page, together with those of the endpoints beside it.
func (l *deliveryLoader) load(ctx context.Context, endpoint models.ID, filter webhooks.DeliveryFilter, args models.PageArgs) (models.Connection[models.WebhookDelivery], error) {
	var none models.Connection[models.WebhookDelivery]
	// A negative size would read as none in the key.
	if (args.First != nil && *args.First < 0) || (args.Last != nil && *args.Last < 0) {
		_, err := args.Page("")
		return none, err
	}
	text, err := json.Marshal(filter)
	if err != nil {
		return none, err
	}
	found, err := l.loader.Load(ctx, asked[deliveryQuestion]{endpoint, deliveryQuestion{page: keyOf("", args), filter: string(text)}})
	// As with every list of an object: one that may not be read is empty.
	if errors.Is(err, dataloadgen.ErrNotFound) || models.CodeOf(err) == models.CodeForbidden {
		return none, nil
	}
	return found, err
}

func byDelivery(by asking, fetch func(context.Context, models.Principal, []models.ID, webhooks.DeliveryFilter, models.PageArgs) (map[models.ID]models.Connection[models.WebhookDelivery], error)) *deliveryLoader {
	return &deliveryLoader{loader: byQuestion(by, func(ctx context.Context, endpoints []models.ID, question deliveryQuestion) (map[models.ID]models.Connection[models.WebhookDelivery], error) {
		var filter webhooks.DeliveryFilter
		if err := json.Unmarshal([]byte(question.filter), &filter); err != nil {
			return nil, err
		}
		return fetch(ctx, by.who, endpoints, filter, question.page.args())
	})}
}
