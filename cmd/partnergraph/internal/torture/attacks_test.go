package torture_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/graph/scalar"
)

// attacks are JSON values that are no Decimal, whatever they look like.
func attacks() map[string]string {
	return map[string]string{
		"a huge exponent":          `"1e50000000"`,
		"a huge exponent, capital": `"1E+999999999999999999"`,
		"a tiny exponent":          `"1e-50000000"`,
		"a huge number":            `1e50000000`,
		"a tiny number":            `-1e-50000000`,
		"many digits":              `"` + strings.Repeat("9", 100_000) + `"`,
		"many digits as a number":  strings.Repeat("9", 100_000),
		"many fraction digits":     `"0.` + strings.Repeat("1", 100_000) + `"`,
		"many zeros":               `"` + strings.Repeat("0", 100_000) + `1"`,
		"many minuses":             `"` + strings.Repeat("-", 100_000) + `1"`,
		"many points":              `"1` + strings.Repeat(".1", 50_000) + `"`,
		"NaN":                      `"NaN"`,
		"infinity":                 `"Infinity"`,
		"minus infinity":           `"-Inf"`,
		"a hexadecimal":            `"0x10"`,
		"an underscore":            `"1_000"`,
		"a thousands separator":    `"1,000.00"`,
		"a comma for the point":    `"1,5"`,
		"a plus":                   `"+1"`,
		"a space":                  `" 1"`,
		"a line break":             `"1\n"`,
		"a zero byte":              `"1\u0000"`,
		"arabic digits":            `"١٢"`,
		"fullwidth digits":         `"１２"`,
		"a unicode minus":          `"−1"`,
		"half a surrogate":         `"1\ud800"`,
		"a float":                  `1.5`,
		"an integer":               `1`,
		"a boolean":                `true`,
		"a list":                   `["1"]`,
		"an object":                `{"value":"1"}`,
		"deep lists":               strings.Repeat("[", 5000) + strings.Repeat("]", 5000),
		"deep objects":             strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000),
		"deeper than JSON goes":    strings.Repeat("[", 200_000) + strings.Repeat("]", 200_000),
		"many keys":                "{" + strings.Repeat(`"a":1,`, 20_000) + `"a":1}`,
		"empty":                    `""`,
		"a point alone":            `"."`,
		"a point at the end":       `"1."`,
	}
}

// refused are numbers well written, which no amount may be.
func unreasonable() map[string]string {
	return map[string]string{"minus nothing": `"-0"`, "minus nothing with digits": `"-0.00"`, "below zero": `"-1"`, "more than there can be": `"99999999999999999999.99"`}
}

// decimalInput is a field of an input object that takes a Decimal.
type decimalInput struct {
	mutation *ast.FieldDefinition
	field    string
}

// decimalInputs finds every mutation's, so that a new one is attacked without a row.
func decimalInputs(t *testing.T, schema *ast.Schema) []decimalInput {
	t.Helper()
	var found []decimalInput
	for _, mutation := range apitest.Fields(schema.Mutation) {
		for _, argument := range mutation.Arguments {
			for _, f := range schema.Types[argument.Type.Name()].Fields {
				if f.Type.Name() == "Decimal" {
					found = append(found, decimalInput{mutation, f.Name})
				}
			}
		}
	}
	if len(found) < 4 {
		t.Fatalf("the schema has %d inputs of a Decimal", len(found))
	}
	return found
}

// plausible is an input with everything that must be there, as JSON by field.
func plausible(schema *ast.Schema, input *ast.Definition) map[string]string {
	fields := map[string]string{}
	for _, f := range input.Fields {
		if !f.Type.NonNull {
			continue
		}
		fields[f.Name] = plausibleValue(schema, f.Type)
	}
	return fields
}

func plausibleValue(schema *ast.Schema, of *ast.Type) string {
	if of.Elem != nil {
		return "[" + plausibleValue(schema, of.Elem) + "]"
	}
	switch def := schema.Types[of.Name()]; {
	case def.Kind == ast.Enum:
		return `"` + def.EnumValues[0].Name + `"`
	case def.Kind == ast.InputObject:
		return object(plausible(schema, def))
	case def.Name == "Decimal":
		return `"1.00"`
	case def.Name == "Int":
		return "1"
	case def.Name == "Boolean":
		return "true"
	case def.Name == "DateTime":
		return `"2026-11-21T04:32:18Z"`
	case def.Name == "Date":
		return `"2026-11-21"`
	case def.Name == "BillingCycle":
		return `"2026-11"`
	default:
		return `"x"`
	}
}

// object writes a JSON object from the JSON of its fields.
func object(fields map[string]string) string {
	var members []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		members = append(members, fmt.Sprintf("%q:%s", name, fields[name]))
	}
	return "{" + strings.Join(members, ",") + "}"
}

// literal writes JSON as GraphQL does: names without quotes. Only what has no escapes in keys comes here.
func literal(fields map[string]string) string {
	var members []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		members = append(members, name+":"+fields[name])
	}
	return "{" + strings.Join(members, ",") + "}"
}

// TestTortureAttacks is S1: what is no decimal, at every input of the schema that wants one, as variable and as literal. It
// is refused with a typed error, in the time that reading it takes, and moves nothing.
func TestTortureAttacks(t *testing.T) {
	schema := apitest.Schema()
	eachDatabase(t, func(t *testing.T, databaseURL string) {
		s := apitest.New(t, databaseURL, "memory:")
		w := apitest.Build(t, s)
		key := w.Providers[0].Key
		before := s.Fingerprint(t)
		inputs := decimalInputs(t, schema)
		var all, slowest time.Duration
		slow, sent := "", 0
		try := func(what, body string) {
			t.Helper()
			began := time.Now()
			answer := s.Post(t.Context(), t, key, body)
			took := time.Since(began)
			sent++
			all += took
			if took > slowest {
				slow, slowest = what, took
			}
			typed := []string{"INVALID", "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED", "TOO_COMPLEX"}
			if len(answer.Errors) == 0 || !slices.Contains(typed, answer.Codes()[0]) || len(answer.Body) > 20_000 {
				t.Errorf("%s: %.300s", what, answer.Body)
			}
		}
		for _, in := range inputs {
			argument := in.mutation.Arguments.ForName("input")
			fields := plausible(schema, schema.Types[argument.Type.Name()])
			selection := "{__typename}"
			operation := "mutation($i: " + argument.Type.String() + "){" + in.mutation.Name + "(input: $i)" + selection + "}"
			send := func(name, value string) {
				what := in.mutation.Name + "." + in.field + ": " + name
				attacked := maps.Clone(fields)
				attacked[in.field] = value
				try(what, fmt.Sprintf(`{"query":%s,"variables":{"i":%s}}`, quoted(operation), object(attacked)))
				try(what+" as a literal", fmt.Sprintf(`{"query":%s}`,
					quoted("mutation{"+in.mutation.Name+"(input: "+literal(attacked)+")"+selection+"}")))
				// The last of two equal keys counts, as everywhere in Go: an attack cannot hide before or behind a good one.
				try(what+" behind a good one", fmt.Sprintf(`{"query":%s,"variables":{"i":{"%s":"1.00",%s}}`, quoted(operation), in.field, object(attacked)[1:]))
			}
			for name, value := range attacks() {
				send(name, value)
			}
			if in.mutation.Name == "fundCustomer" { // the amounts of the others are refused after more has been looked at
				attacked := maps.Clone(fields)
				attacked["customerId"] = quoted(string(w.Providers[0].Resale.Customer.ID))
				for name, value := range unreasonable() {
					attacked[in.field] = value
					try(name, fmt.Sprintf(`{"query":%s,"variables":{"i":%s}}`, quoted(operation), object(attacked)))
				}
			}
		}
		if diff := cmp.Diff(before, s.Fingerprint(t)); diff != "" {
			t.Errorf("something changed:\n%s", diff)
		}
		s.Sound(t)
		if mean := all / time.Duration(sent); mean > 50*time.Millisecond || slowest > 5*time.Second {
			t.Errorf("an attack takes %s on average, and %s at most", mean, slowest)
		}
		t.Logf("S1 %s: %d attacks on %d Decimal inputs, all refused with a typed error, nothing moved; %s on average with all of HTTP, at most %s (%s); audit clean: %v",
			engine(databaseURL), sent, len(inputs), (all / time.Duration(sent)).Round(time.Microsecond), slowest.Round(time.Microsecond), slow, !t.Failed())
	})
}

// TestTortureDecimalsAreReadQuickly is the part of S1 that costs when it is wrong: a thousand times each of the attacks.
func TestTortureDecimalsAreReadQuickly(t *testing.T) {
	const times = 1000
	var slowest time.Duration
	slow := ""
	for name, text := range attacks() {
		var value any
		if json.Unmarshal([]byte(text), &value) != nil {
			continue // the transport refuses it before
		}
		began := time.Now()
		for range times {
			if _, err := scalar.UnmarshalDecimal(value); err == nil {
				t.Fatalf("%s was read as a Decimal", name)
			}
		}
		if took := time.Since(began); took > slowest {
			slow, slowest = name, took
		}
	}
	if slowest > times*time.Millisecond {
		t.Errorf("%s takes %s", slow, slowest/times)
	}
	t.Logf("S1 scalar: the slowest attack (%s) is refused in %s", slow, slowest/times)
}

func quoted(text string) string {
	q, _ := json.Marshal(text)
	return string(q)
}
