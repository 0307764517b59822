package store

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
)

func TestFactsAreWrittenAsJSON(t *testing.T) {
	t.Parallel()
	word := "z"
	for _, facts := range []map[string]any{
		nil, {}, {"": ""},
		{"kind": models.TransferFund, "amount": "1.50", "currency": models.CNY, "transferId": models.ID("trf_01h455vb4pex5vsknk084sn02q"), "version": int64(math.MinInt64)},
		{"b": true, "a": nil, "f": 1.5, "i": 7, "u": uint8(3), "list": []string{"<", "&"}, "more": map[string]any{"x": 1}, "p": &word, "none": (*string)(nil)},
		{"z\"": "quote \" \\ \n \u2028", "number": json.Number("1.10"), "at": time.Unix(0, 1).UTC(), "price": decimal.New(150, -2), "raw": json.RawMessage("{ }")},
	} {
		want, err := json.Marshal(facts)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := appendFacts(nil, facts); err != nil || string(got) != string(want) {
			t.Errorf("%s, want %s (%v)", got, want, err)
		}
	}
	if got, err := appendFacts(nil, map[string]any{"never": func() {}}); err == nil {
		t.Errorf("%s", got)
	}
}
