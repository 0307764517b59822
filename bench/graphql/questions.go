package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"

	"github.com/partnergraph/partnergraph/bench/internal/load"
	"github.com/partnergraph/partnergraph/bench/queries"
	"github.com/partnergraph/partnergraph/models"
)

// question is one query with what it is asked with in turn.
type question struct {
	name   string
	wanted float64 // ratio of requests per second, ours to the floor's
	asks   []ask
}

// ask is a question put to both contestants, each as a whole request.
type ask struct{ ours, floor []byte }

func names() []string { return []string{"Q1", "Q2", "Q3", "Q4", "Q4 page 1"} }

func (at *place) questions() []question {
	each := func(document, path string, customers []models.ID) (asks []ask) {
		for _, id := range customers {
			asks = append(asks, at.ask(document, path, map[string]any{"id": id}, url.Values{"id": {string(id)}, "partner": {string(at.partner)}}))
		}
		return asks
	}
	own := url.Values{"id": {string(at.partner)}}
	deep := make([]ask, len(at.after))
	for i, id := range at.after {
		deep[i] = at.ask(queries.Q4, "/q4", map[string]any{"id": at.partner, "after": models.Cursor("orders", id)}, url.Values{"id": own["id"], "after": {string(id)}})
	}
	return []question{
		{"Q1", 0.45, each(queries.Q1, "/q1", at.customers)},
		{"Q2", 0.55, each(queries.Q2, "/q2", at.customers)},
		{"Q3", 0.60, []ask{at.ask(queries.Q3, "/q3", map[string]any{"id": at.partner}, own)}},
		{"Q4", 0.60, deep},
		{"Q4 page 1", 0, []ask{at.ask(queries.Q4, "/q4", map[string]any{"id": at.partner}, own)}},
	}
}

func (at *place) ask(document, path string, variables map[string]any, query url.Values) ask {
	body, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil {
		panic(err) // strings always marshal
	}
	return ask{
		ours: fmt.Appendf(nil, "POST /graphql HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s",
			at.oursAt, at.secret, len(body), body),
		floor: fmt.Appendf(nil, "GET %s?%s HTTP/1.1\r\nHost: %s\r\n\r\n", path, query.Encode(), at.floorAt),
	}
}

// same asks both everything once, and fails unless the answers are the same data.
func (at *place) same(q question) error {
	ours, err := load.Dial(at.oursAt)
	if err != nil {
		return err
	}
	floor, err := load.Dial(at.floorAt)
	if err != nil {
		return err
	}
	defer func() { _, _ = ours.Close(), floor.Close() }()
	for _, one := range q.asks {
		mine, err := dataOf(ours, one.ours)
		if err != nil {
			return fmt.Errorf("ours: %w", err)
		}
		theirs, err := dataOf(floor, one.floor)
		if err != nil {
			return fmt.Errorf("floor: %w", err)
		}
		if !reflect.DeepEqual(mine, theirs) {
			return fmt.Errorf("the answers differ:\nours  %v\nfloor %v", mine, theirs)
		}
	}
	return nil
}

func dataOf(conn *load.Conn, request []byte) (any, error) {
	status, body, err := conn.Do(request)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data   any
		Errors any
	}
	if err := json.Unmarshal(body, &answer); err != nil || status != 200 || answer.Errors != nil {
		return nil, fmt.Errorf("status %d: %s", status, body)
	}
	if answer.Data == nil {
		return nil, errors.New("no data")
	}
	return answer.Data, nil
}

var (
	dataMember   = []byte(`"data":{`)
	errorsMember = []byte(`"errors":`)
)

// refusal returns "" for an answer with data and no errors.
func refusal(status int, body []byte, err error) string {
	switch {
	case err != nil:
		return "CONNECTION"
	case status != 200:
		return fmt.Sprint("HTTP ", status)
	case !bytes.HasPrefix(body[1:], dataMember) || bytes.Contains(body[:min(len(body), 64)], errorsMember):
		return "NO DATA"
	}
	return ""
}
