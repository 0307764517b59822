package apitest_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app"
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/exposure"
)

var update = flag.Bool("update", false, "write the golden files")

// silent says why a mutation leaves nothing in the audit record.
func silent() map[string]string {
	return map[string]string{
		"checkIdentity":         "it reads, and is a mutation so that it is counted one by one",
		"checkAttachmentBucket": "it tries a bucket that is not saved, and writes nothing",
	}
}

// unchanged says of which fields an event does not say what they were and are, and why.
func unchanged() map[string]string {
	return map[string]string{
		"balance": "the entries of the ledger have each balance after, and what is left on one side is no business of the other's",
	}
}

// elsewhere says of which fields of inputs the record does not name the objects, and why.
func elsewhere() map[string]string {
	return map[string]string{
		"attachments":  "the verification that is named has them",
		"quoteId":      "the order that is named has it",
		"remittanceId": "the claim that is named has it, and whoever claims does not know it",
		"resourceIds":  "the quote or order that is named has a line for each",
		"uploadId":     "its records are of the customers that are named",
	}
}

// anyBucket is a partner's bucket that lets everybody in.
type anyBucket struct{}

func (anyBucket) CheckEndpoint(string) error                           { return nil }
func (anyBucket) Probe(context.Context, models.AttachmentBucket) error { return nil }
func (anyBucket) Open(context.Context, models.AttachmentBucket, string) (io.ReadCloser, error) {
	return nil, exposure.ErrAttachmentMissing
}

// TestEveryMutationIsOnRecord calls every mutation of the schema once with success and looks at what the audit record has of it
// (issue 5, G06): which events, by whom, for whom, about what, with what before and after, in which request and from where.
// testdata/audit.txt is what is expected; -update writes it.
func TestEveryMutationIsOnRecord(t *testing.T) {
	t.Parallel()
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, apitest.ProviderMetadata(t, "https://fetched.example.com"))
	}))
	t.Cleanup(metadata.Close)
	const golden = "testdata/audit.txt"
	expected, err := os.ReadFile(golden)
	if err != nil && !*update {
		t.Fatal(err)
	}
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		calls := apitest.Calls(metadata.URL)
		schema := apitest.Schema()
		var record strings.Builder
		for _, f := range slices.SortedFunc(slices.Values(apitest.Fields(schema.Mutation)), byName) {
			prepare, there := calls[f.Name]
			delete(calls, f.Name)
			if !there {
				t.Errorf("apitest.Calls needs a row for %s", f.Name)
				continue
			}
			call := prepare(t, s, w)
			who, err := w.Identity.Authenticate(t.Context(), call.Key)
			if err != nil {
				t.Fatal(err)
			}
			before := eventIDs(t, w)
			answer := s.Ask(t, call.Key, "mutation($i: "+f.Arguments.ForName("input").Type.String()+"){"+f.Name+"(input: $i){__typename}}", map[string]any{"i": call.Input})
			if len(answer.Errors) > 0 {
				t.Errorf("%s(%v) is refused: %s", f.Name, call.Input, answer.Body)
				continue
			}
			happened := eventsBeside(t, w, before)
			fmt.Fprintln(&record, f.Name)
			if reason, quiet := silent()[f.Name]; quiet != (len(happened) == 0) {
				t.Errorf("%s leaves %d events; silent because %q", f.Name, len(happened), reason)
			}
			for _, event := range happened {
				wantOrigin(t, f.Name, event, who, answer)
				fmt.Fprintln(&record, "  "+lineOf(event))
			}
			wantNamed(t, f.Name, happened, call.Input)
		}
		if len(calls) > 0 {
			t.Errorf("rows of no mutation: %v", slices.Sorted(maps.Keys(calls)))
		}
		if *update && s.App.Rooms.DB.Engine() == "sqlite" {
			if err := os.WriteFile(golden, []byte(record.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			return
		}
		if diff := cmp.Diff(strings.Split(string(expected), "\n"), strings.Split(record.String(), "\n")); diff != "" {
			t.Errorf("the record is another than in %s (-want +got):\n%s", golden, diff)
		}
	}, func(cfg *app.Config, opts *app.Options) { cfg.Dev, opts.Buckets = true, anyBucket{} }, apitest.Wide)
}

func byName(a, b *ast.FieldDefinition) int { return strings.Compare(a.Name, b.Name) }

func eventIDs(t *testing.T, w *apitest.World) map[models.ID]bool {
	t.Helper()
	var ids []models.ID
	if err := w.DB.NewSelect().Model((*models.Event)(nil)).Column("id").Scan(t.Context(), &ids); err != nil {
		t.Fatal(err)
	}
	known := make(map[models.ID]bool, len(ids))
	for _, id := range ids {
		known[id] = true
	}
	return known
}

// eventsBeside are those that are not known yet, in an order that does not depend on ids.
func eventsBeside(t *testing.T, w *apitest.World, known map[models.ID]bool) (happened []models.Event) {
	t.Helper()
	var all []models.Event
	if err := w.DB.NewSelect().Model(&all).Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, event := range all {
		if !known[event.ID] {
			happened = append(happened, event)
		}
	}
	slices.SortFunc(happened, func(a, b models.Event) int { return strings.Compare(lineOf(a), lineOf(b)) })
	return happened
}

// wantOrigin is what every event says: who did it, in which request, from where, and when.
func wantOrigin(t *testing.T, name string, event models.Event, who models.Principal, answer apitest.Answer) {
	t.Helper()
	if event.ActorKind != who.Kind || event.ActorID != who.ActorID() || event.ActorOrgID != who.OrgID() {
		t.Errorf("%s: %s was done by %s %s of %q, want %s %s of %q", name, event.Type, event.ActorKind, event.ActorID, event.ActorOrgID, who.Kind, who.ActorID(), who.OrgID())
	}
	if request := answer.Header.Get("X-Request-Id"); event.RequestID != request || request == "" || event.RemoteAddr != "192.0.2.1" {
		t.Errorf("%s: %s in request %q from %q, want %q from 192.0.2.1", name, event.Type, event.RequestID, event.RemoteAddr, request)
	}
	if event.SubjectID == "" || event.CreatedAt.IsZero() {
		t.Errorf("%s: %s about %q at %s", name, event.Type, event.SubjectID, event.CreatedAt)
	}
	told := map[string]bool{}
	for _, change := range event.Changes {
		told[change.Field] = true
		if change.Before != nil && change.After != nil && *change.Before == *change.After {
			t.Errorf("%s: %s says that %s changed from %q to the same", name, event.Type, change.Field, *change.Before)
		}
	}
	for _, field := range event.Fields {
		if _, excused := unchanged()[field]; !told[field] && !excused {
			t.Errorf("%s: %s names the field %s, and not what it was and is", name, event.Type, field)
		}
	}
}

// wantNamed makes sure that whatever object the input names is what the record is about, or whom it concerns.
func wantNamed(t *testing.T, name string, happened []models.Event, input map[string]any) {
	t.Helper()
	if len(happened) == 0 {
		return
	}
	var text strings.Builder
	for _, event := range happened {
		fmt.Fprintln(&text, event.SubjectID, event.PartnerID, event.CustomerID, event.Data, event.Changes)
	}
	for field, value := range input {
		_, excused := elsewhere()[field]
		for _, id := range anID.FindAllString(fmt.Sprint(value), -1) {
			if !strings.Contains(text.String(), id) && !excused {
				t.Errorf("%s: nothing on record names %s %s:\n%s", name, field, id, text.String())
			}
		}
	}
}

var (
	anID   = regexp.MustCompile(`\b[a-z]{3,4}_[0-9a-hjkmnp-tv-z]{26}\b`)
	aTag   = regexp.MustCompile(`made-[0-9]+`)
	aTime  = regexp.MustCompile(`20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z`)
	aMoney = regexp.MustCompile(`\b[0-9]{4,}\.[0-9]{2}\b`)
)

// lineOf is an event without what differs from run to run.
func lineOf(event models.Event) string {
	var parties []string
	if event.PartnerID != "" {
		parties = append(parties, "partner")
	}
	if event.CustomerID != "" {
		parties = append(parties, "customer")
	}
	text := func(value *string) string {
		if value == nil {
			return "-"
		}
		return *value
	}
	line := fmt.Sprintf("%s by %s for %s about %s", event.Type, event.ActorKind, strings.Join(parties, "+"), models.ID(event.SubjectID).Prefix())
	if len(event.Fields) > 0 {
		line += " fields " + strings.Join(event.Fields, ",")
	}
	for _, change := range event.Changes {
		line += fmt.Sprintf(" [%s: %s > %s]", change.Field, text(change.Before), text(change.After))
	}
	line += " data " + strings.Join(slices.Sorted(maps.Keys(event.Data)), ",")
	line = anID.ReplaceAllStringFunc(line, func(id string) string { return models.ID(id).Prefix() + "_" })
	line = aTime.ReplaceAllString(aTag.ReplaceAllString(line, "made"), "TIME")
	return strings.TrimSuffix(aMoney.ReplaceAllString(line, "MUCH"), " data ")
}
