package main

import (
	"bytes"
	"crypto/rand"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

func TestOperatorKeyIsTheFirstCredential(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var out bytes.Buffer
		if err := (operatorKeyCommand{Name: "first", ExpiresIn: time.Hour}).make(t.Context(), &out, db); err != nil {
			t.Fatal(err)
		}
		lines := strings.Fields(out.String())
		if len(lines) != 2 {
			t.Fatalf("printed %q", out.String())
		}
		ids := models.RandomIDs()
		later := time.Now()
		people := &identity.Service{
			DB: db, Now: func() time.Time { return later }, IDs: ids, Events: &events.Recorder{IDs: ids, Now: time.Now}, Random: rand.Reader, Logger: slog.Default(),
		}
		who, err := people.Authenticate(t.Context(), lines[1])
		if err != nil || who.Kind != models.Operator || !who.May(models.WritePartners) || string(who.KeyID) != lines[0] {
			t.Errorf("the key authenticates %+v, %v", who, err)
		}
		later = later.Add(2 * time.Hour)
		if _, err := people.Authenticate(t.Context(), lines[1]); models.CodeOf(err) != models.CodeUnauthenticated {
			t.Errorf("after its end the key gives %v", err)
		}
		if err := (operatorKeyCommand{Name: ""}).make(t.Context(), &out, db); models.CodeOf(err) != models.CodeInvalid {
			t.Errorf("a key without a name gives %v", err)
		}
	})
}
