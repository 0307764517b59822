package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/seal"
	"github.com/partnergraph/partnergraph/store/storetest"
)

func TestSealKeyIsASetting(t *testing.T) {
	t.Parallel()
	var first, second bytes.Buffer
	for _, out := range []*bytes.Buffer{&first, &second} {
		if err := (sealKeyCommand{}).print(out, time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)); err != nil {
			t.Fatal(err)
		}
	}
	if first.String() == second.String() || !strings.HasPrefix(first.String(), "k20261121:") {
		t.Errorf("printed %q and %q", first.String(), second.String())
	}
	if _, err := seal.New(strings.TrimSpace(first.String())); err != nil {
		t.Error(err)
	}
	for _, id := range []string{"a:b", "a,b", strings.Repeat("x", 65)} {
		var out bytes.Buffer
		if err := (sealKeyCommand{ID: id}).print(&out, time.Now()); err == nil || out.Len() > 0 {
			t.Errorf("--id %q: %v, printed %q", id, err, out.String())
		}
	}
}

func TestKeysRotateFromTheCommandLine(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		room := keyRoom(db)
		now := time.Now().UTC().Truncate(time.Microsecond)
		room.Now = func() time.Time { return now }
		var err error
		if room.Seal, err = seal.New("k1:" + strings.Repeat("Qk", 21) + "I="); err != nil {
			t.Fatal(err)
		}
		partner := models.Partner{
			ID: room.IDs(models.PrefixPartner), Cloud: "hws", Kind: models.Distributor, Name: "P", Level: models.LevelStandard, State: models.PartnerActive,
			Country: "CN", SigningEntity: "E", Currency: models.CNY, CreatedAt: now, UpdatedAt: now,
		}
		config := models.AccessConfiguration{
			ID: room.IDs(models.PrefixAccessConfiguration), PartnerID: partner.ID, PlatformID: "acme_IDP", State: models.ExposureEnabled,
			AllowedOrigins: []string{}, AllowedServices: []string{}, ReturnSecretSealed: []byte{1}, CreatedAt: now, UpdatedAt: now,
		}
		for _, row := range []any{&partner, &config} {
			if _, err := db.NewInsert().Model(row).Exec(ctx); err != nil {
				t.Fatal(err)
			}
		}
		// says runs a command and wants its output, or its error, to match.
		says := func(want string, command func(*bytes.Buffer) error) string {
			t.Helper()
			var out bytes.Buffer
			if err := command(&out); err != nil {
				out.WriteString("error: " + err.Error())
			}
			found := regexp.MustCompile(want).FindStringSubmatch(out.String())
			if found == nil {
				t.Fatalf("printed %q, want %s", out.String(), want)
			}
			return found[len(found)-1]
		}
		list := func(want string) string {
			t.Helper()
			return says(want, func(out *bytes.Buffer) error { return listKeysCommand{Platform: "acme_IDP"}.list(ctx, out, room) })
		}
		next := func(want string, c nextKeyCommand) string {
			t.Helper()
			return says(want, func(out *bytes.Buffer) error { return c.publish(ctx, out, room) })
		}
		activate := func(want string, c activateKeyCommand) {
			t.Helper()
			says(want, func(out *bytes.Buffer) error { return c.activate(ctx, out, room) })
		}
		retire := func(want string, c retireOneKeyCommand) {
			t.Helper()
			says(want, func(out *bytes.Buffer) error { return c.retire(ctx, out, room) })
		}
		chosen := func(key string) chosenKey { return chosenKey{Key: key} }
		ofPlatform := chosenKey{Platform: "acme_IDP"}

		list(`There are no signing keys`)
		old, err := room.EnsureKey(ctx, "acme_IDP")
		if err != nil {
			t.Fatal(err)
		}
		list(string(old.ID) + ` +acme_IDP +ACTIVE +RSA_2048 +\d{4}-\d\d-\d\d +\d{4}-\d\d-\d\d +[0-9a-f]{64}`)
		activate(`error: platform acme_IDP has no such next key`, activateKeyCommand{chosenKey: ofPlatform})
		fresh := next(`(skey_\w+) is the next RSA_2048 key of acme_IDP, SHA-256 [0-9a-f]{64}\.`, nextKeyCommand{Platform: "acme_IDP"})
		if again := next(`(skey_\w+) is the next`, nextKeyCommand{Platform: "acme_IDP"}); again != fresh {
			t.Errorf("%s and %s", fresh, again)
		}
		next(`error: .*another size`, nextKeyCommand{Platform: "acme_IDP", Algorithm: "RSA_3072"})
		next(`error: there is no platform nobody_IDP`, nextKeyCommand{Platform: "nobody_IDP"})
		curve := next(`(skey_\w+) is the next ECDSA_P256`, nextKeyCommand{Platform: "acme_IDP", Algorithm: "ECDSA_P256"})
		activate(`error: .*several next keys`, activateKeyCommand{chosenKey: ofPlatform})
		activate(`error: .*not both`, activateKeyCommand{chosenKey: chosenKey{Key: fresh, Platform: "acme_IDP"}})
		activate(`error: .*or --platform`, activateKeyCommand{})
		activate(`error: .*until .*force`, activateKeyCommand{chosenKey: chosen(fresh)})
		retire(curve+` is retired`, retireOneKeyCommand{chosenKey: chosenKey{Platform: "acme_IDP", Algorithm: "ECDSA_P256"}})
		now = now.Add(time.Hour)
		activate(fresh+` signs for acme_IDP\.\n`+string(old.ID)+` is retired`, activateKeyCommand{chosenKey: ofPlatform})
		activate(fresh+` signs for acme_IDP\.\n$`, activateKeyCommand{chosenKey: chosen(fresh)})
		retire(`error: .*signs at present`, retireOneKeyCommand{chosenKey: chosen(fresh)})
		retire(string(old.ID)+` is retired`, retireOneKeyCommand{chosenKey: chosen(string(old.ID))})
		retire(string(old.ID)+` is removed`, retireOneKeyCommand{chosenKey: chosen(string(old.ID)), Remove: true})
		list(string(old.ID) + ` +acme_IDP +REMOVED`)
		now = now.Add(3*365*24*time.Hour - 40*24*time.Hour)
		list(fresh + ` +acme_IDP +ACTIVE .*\(soon\)`)
	})
}
