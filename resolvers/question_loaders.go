package resolvers

import (
	"context"
	"encoding/json"
	"time"

	"github.com/partnergraph/partnergraph/models"
)

// asked is one owner with what is asked about it besides.
type asked[Q comparable] struct {
	owner    models.ID
	question Q
}

// byQuestion makes one call of the room per distinct question, each with all the owners that it is asked about. A question
// that is refused fails for those who asked it, not for the others of the level.
func byQuestion[Q comparable, V any](n *slots, fetch func(context.Context, models.Principal, []models.ID, Q) (map[models.ID]V, error)) *loader[asked[Q], V] {
	batch := func(ctx context.Context, who models.Principal, keys []asked[Q]) (map[asked[Q]]V, error) {
		owners := map[Q][]models.ID{}
		for _, key := range keys {
			owners[key.question] = append(owners[key.question], key.owner)
		}
		found, refused := make(map[asked[Q]]V, len(keys)), refusals[asked[Q]]{}
		for question, ids := range owners {
			answers, err := fetch(ctx, who, ids, question)
			for _, id := range ids {
				key := asked[Q]{id, question}
				if answer, ok := answers[id]; ok && err == nil {
					found[key] = answer
				}
				if err != nil {
					refused[key] = err
				}
			}
		}
		if len(refused) > 0 {
			return found, refused
		}
		return found, nil
	}
	return newLoader(n, batch)
}

// filtered is a page of the rows that a filter leaves; the filter is JSON, so that equal ones meet.
type filtered struct {
	page   pageKey // without the parent
	filter string
}

// filterLoader reads filtered lists of many owners at once.
type filterLoader[F, V any] struct {
	loader *loader[asked[filtered], models.Connection[V]]
}

// load reads one owner's page, together with those of the owners beside it.
func (l *filterLoader[F, V]) load(ctx context.Context, owner models.ID, filter F, args models.PageArgs) (models.Connection[V], error) {
	var none models.Connection[V]
	// A negative size would read as none in the key.
	if (args.First != nil && *args.First < 0) || (args.Last != nil && *args.Last < 0) {
		_, err := args.Page("")
		return none, err
	}
	text, err := json.Marshal(filter)
	if err != nil {
		return none, err
	}
	found, err := l.loader.Load(ctx, asked[filtered]{owner, filtered{page: keyOf("", args), filter: string(text)}})
	// As with every list of an object: one that may not be read is empty.
	if absent(err) {
		return none, nil
	}
	return found, err
}

func byFilter[F, V any](n *slots, fetch func(context.Context, models.Principal, []models.ID, F, models.PageArgs) (map[models.ID]models.Connection[V], error)) *filterLoader[F, V] {
	return &filterLoader[F, V]{loader: byQuestion(n, func(ctx context.Context, who models.Principal, owners []models.ID, question filtered) (map[models.ID]models.Connection[V], error) {
		var filter F
		if err := json.Unmarshal([]byte(question.filter), &filter); err != nil {
			return nil, err
		}
		return fetch(ctx, who, owners, filter, question.page.args())
	})}
}

type pastLoader struct {
	loader *loader[asked[time.Time], models.PastBalance]
}

// load reads what one owner had; nil without an error when the caller may not know.
func (l *pastLoader) load(ctx context.Context, owner models.ID, at time.Time) (*models.PastBalance, error) {
	past, err := l.loader.Load(ctx, asked[time.Time]{owner, at.UTC()})
	if absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &past, nil
}

func byMoment(n *slots, fetch func(context.Context, models.Principal, []models.ID, time.Time) (map[models.ID]models.PastBalance, error)) *pastLoader {
	return &pastLoader{loader: byQuestion(n, fetch)}
}

// dashboardLoader joins the dashboards of one operation, many of which sum the same rows up; the query is JSON, as it has pointers.
type dashboardLoader[Row any] struct {
	loader *loader[string, []Row]
}

// load returns a dashboard's rows, or why there are none, whatever becomes of the others.
func (l *dashboardLoader[Row]) load(ctx context.Context, query models.DashboardQuery) ([]Row, error) {
	text, err := json.Marshal(query)
	if err != nil {
		return nil, err
	}
	return l.loader.Load(ctx, string(text))
}

func byDashboard[Row any](n *slots, fetch func(context.Context, models.Principal, []models.DashboardQuery) ([]models.Dashboard[Row], error)) *dashboardLoader[Row] {
	batch := func(ctx context.Context, who models.Principal, keys []string) (map[string][]Row, error) {
		queries := make([]models.DashboardQuery, len(keys))
		for i, key := range keys {
			if err := json.Unmarshal([]byte(key), &queries[i]); err != nil {
				return nil, err
			}
		}
		answers, err := fetch(showing(ctx), who, queries)
		if err != nil {
			return nil, err
		}
		found, refused := make(map[string][]Row, len(keys)), refusals[string]{}
		for i, key := range keys {
			if answers[i].Err != nil {
				refused[key] = answers[i].Err
				continue
			}
			found[key] = answers[i].Rows
		}
		if len(refused) > 0 {
			return found, refused
		}
		return found, nil
	}
	return &dashboardLoader[Row]{loader: newLoader(n, batch)}
}
