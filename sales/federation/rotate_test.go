package federation_test

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/federation"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// platform is a partner with a platform, and who comes to change its keys.
type platform struct {
	partner, configuration     models.ID
	owner, stranger, operator  models.Principal
	reader, customer, reseller models.Principal
}

func (w *world) platform(t *testing.T, db *store.DB, platformID string) platform {
	t.Helper()
	ids := models.RandomIDs()
	insert := func(row any) {
		_, err := db.NewInsert().Model(row).Exec(t.Context())
		must(t, err)
	}
	partner := func(kind models.PartnerKind, parent models.ID) models.ID {
		id := ids(models.PrefixPartner)
		insert(&models.Partner{
			ID: id, Cloud: "hws", Kind: kind, Name: "P", Level: models.LevelStandard, State: models.PartnerActive, ParentID: parent,
			Country: "CN", SigningEntity: "E", Currency: models.CNY, CreatedAt: w.now, UpdatedAt: w.now,
		})
		return id
	}
	p := platform{partner: partner(models.Distributor, ""), configuration: ids(models.PrefixAccessConfiguration)}
	insert(&models.AccessConfiguration{
		ID: p.configuration, PartnerID: p.partner, PlatformID: platformID, State: models.ExposureEnabled, AllowedOrigins: []string{},
		AllowedServices: []string{}, ReturnSecretSealed: []byte{1}, CreatedAt: w.now, UpdatedAt: w.now,
	})
	as := func(id models.ID, kind models.PartnerKind) models.Principal {
		return models.Principal{Kind: models.PartnerKey, PartnerID: id, PartnerKind: kind, Permissions: models.DefaultPermissions(models.PartnerKey, kind)}
	}
	p.owner, p.stranger = as(p.partner, models.Distributor), as(partner(models.SolutionProvider, ""), models.SolutionProvider)
	p.reseller = as(partner(models.CloudReseller, p.partner), models.CloudReseller)
	p.operator = models.Principal{Kind: models.Operator, Permissions: models.AllPermissions()}
	p.reader = p.owner
	p.reader.Permissions = []models.Permission{models.ReadExposure}
	p.customer = models.Principal{Kind: models.CustomerUser, CustomerID: w.customers[0], Permissions: models.DefaultPermissions(models.CustomerUser, "")}
	return p
}

func reasonOf(err error) string {
	var refusal *models.Error
	if errors.As(err, &refusal) {
		return refusal.Reason()
	}
	return ""
}

func (w *world) states(t *testing.T, platformID string) map[models.ID]models.SigningKeyState {
	t.Helper()
	keys, err := w.AllKeys(t.Context(), platformID)
	must(t, err)
	states := map[models.ID]models.SigningKeyState{}
	for _, key := range keys {
		states[key.ID] = key.State
	}
	return states
}

func TestRotationStepByStep(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		p := w.platform(t, db, "acme_IDP")
		first, err := w.EnsureKey(ctx, "acme_IDP")
		must(t, err)
		byPartner := federation.PublishNextSigningKey{PartnerID: p.partner}
		published, err := w.PublishNext(ctx, p.owner, byPartner)
		must(t, err)
		next := published.SigningKey
		if next.State != models.KeyNext || next.Algorithm != models.KeyRSA2048 || next.PublishedAt == nil || !next.PublishedAt.Equal(w.now) || len(next.KeySealed) != 0 {
			t.Errorf("published %+v", next)
		}
		again, err := w.PublishNext(ctx, p.operator, federation.PublishNextSigningKey{PlatformID: "acme_IDP"})
		if err != nil || again.SigningKey.ID != next.ID {
			t.Errorf("publishing again: %+v, %v", again, err)
		}
		larger := byPartner
		larger.Algorithm = ptr(models.KeyRSA3072)
		if _, err = w.PublishNext(ctx, p.owner, larger); reasonOf(err) != "NEXT_KEY_EXISTS" {
			t.Errorf("a second next key: %v", err)
		}

		activate := federation.ActivateNextSigningKey{SigningKeyID: next.ID}
		w.now = w.now.Add(time.Hour - time.Microsecond)
		if _, err = w.Activate(ctx, p.owner, activate); reasonOf(err) != "SIGNING_KEY_TOO_FRESH" || !strings.Contains(err.Error(), "2026-11-21T09:00:00Z") {
			t.Errorf("too early: %v", err)
		}
		if diff := cmp.Diff(map[models.ID]models.SigningKeyState{first.ID: models.KeyActive, next.ID: models.KeyNext}, w.states(t, "acme_IDP")); diff != "" {
			t.Errorf("a refused activation changed something:\n%s", diff)
		}
		w.now = w.now.Add(time.Microsecond)
		for i := range 2 {
			done, err := w.Activate(ctx, p.owner, activate)
			must(t, err)
			if done.SigningKey.State != models.KeyActive || (done.RetiredSigningKey != nil) != (i == 0) || (i == 0 && done.RetiredSigningKey.ID != first.ID) {
				t.Errorf("activated %d: %+v", i, done)
			}
		}
		if active, err := w.EnsureKey(ctx, "acme_IDP"); err != nil || active.ID != next.ID {
			t.Errorf("active now: %+v, %v", active, err)
		}
		if _, err = w.Activate(ctx, p.owner, federation.ActivateNextSigningKey{SigningKeyID: first.ID, Force: true}); reasonOf(err) != "SIGNING_KEY_RETIRED" {
			t.Errorf("a retired key: %v", err)
		}
		if _, err = w.Retire(ctx, p.owner, federation.RetireSigningKey{SigningKeyID: next.ID, Remove: true}); reasonOf(err) != "SIGNING_KEY_ACTIVE" {
			t.Errorf("retiring the active key: %v", err)
		}

		w.wantRemovable(t, p, first.ID)

		var types []string
		must(t, db.NewSelect().Model((*models.Event)(nil)).Column("type").Where("ev.type LIKE ?", "signing_key.%").OrderExpr("ev.id").Scan(ctx, &types))
		want := []string{"signing_key.created", "signing_key.created", "signing_key.retired", "signing_key.activated", "signing_key.removed"}
		if diff := cmp.Diff(want, types); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

// wantRemovable: a retired key opens what was encrypted to it until it is removed.
func (w *world) wantRemovable(t *testing.T, p platform, id models.ID) {
	t.Helper()
	ctx := t.Context()
	opens := func() bool {
		keys, err := w.Keys(ctx, "acme_IDP")
		must(t, err)
		for _, key := range keys {
			if key.ID == id {
				return true
			}
		}
		return false
	}
	if !opens() {
		t.Error("the retired key is gone at once")
	}
	for range 2 {
		_, err := w.Retire(ctx, p.owner, federation.RetireSigningKey{SigningKeyID: id})
		must(t, err)
	}
	if !opens() {
		t.Error("retiring a retired key removed it")
	}
	for range 2 {
		removed, err := w.Retire(ctx, p.owner, federation.RetireSigningKey{SigningKeyID: id, Remove: true})
		if err != nil || removed.SigningKey.RemovedAt == nil {
			t.Errorf("removed %+v, %v", removed, err)
		}
	}
	var sealed []byte
	must(t, w.DB.NewSelect().Table("signing_keys").Column("key_sealed").Where("id = ?", id).Scan(ctx, &sealed))
	if opens() || len(sealed) != 0 {
		t.Errorf("the removed key is still there: %d bytes", len(sealed))
	}
}

func TestForcedAndWithdrawnKeys(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		p := w.platform(t, db, "acme_IDP")
		publish := func(algorithm *models.SigningKeyAlgorithm) models.SigningKey {
			done, err := w.PublishNext(ctx, p.owner, federation.PublishNextSigningKey{PartnerID: p.partner, Algorithm: algorithm})
			must(t, err)
			return done.SigningKey
		}
		withdrawn := publish(nil)
		done, err := w.Retire(ctx, p.owner, federation.RetireSigningKey{SigningKeyID: withdrawn.ID})
		if err != nil || done.SigningKey.State != models.KeyRetired {
			t.Errorf("withdrawn %+v, %v", done, err)
		}
		large := publish(ptr(models.KeyRSA3072))
		forced, err := w.Activate(ctx, p.owner, federation.ActivateNextSigningKey{SigningKeyID: large.ID, Force: true})
		if err != nil || forced.SigningKey.State != models.KeyActive || forced.RetiredSigningKey != nil {
			t.Errorf("forced %+v, %v", forced, err)
		}
		key, err := w.EnsureKey(ctx, "acme_IDP")
		must(t, err)
		if private, ok := key.Private.(*rsa.PrivateKey); !ok || private.N.BitLen() != 3072 {
			t.Errorf("active %T", key.Private)
		}
		if follows := publish(nil); follows.Algorithm != models.KeyRSA3072 {
			t.Errorf("the next key is %s, want as the active one", follows.Algorithm)
		}
		w.now = w.now.Add(4 * 365 * 24 * time.Hour)
		keys, err := w.AllKeys(ctx, "acme_IDP")
		must(t, err)
		if _, err = w.Activate(ctx, p.owner, federation.ActivateNextSigningKey{SigningKeyID: keys[1].ID, Force: true}); reasonOf(err) != "SIGNING_KEY_EXPIRED" {
			t.Errorf("an expired key: %v", err)
		}
		// What has expired and is retired opens nothing; what signs goes on, and says that it should not.
		usable, err := w.Keys(ctx, "acme_IDP")
		if err != nil || len(usable) != 2 || !keys[0].ExpiresSoon || keys[0].State != models.KeyActive || keys[2].ExpiresSoon {
			t.Errorf("usable %d, %v; %+v", len(usable), err, keys)
		}
	})
}

func TestKeyFamiliesDoNotMeet(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		p := w.platform(t, db, "acme_IDP")
		plain, err := w.EnsureKey(ctx, "acme_IDP")
		must(t, err)
		var group sync.WaitGroup
		curves := make([]federation.Key, 3)
		for i := range curves {
			group.Go(func() {
				var err error
				if curves[i], err = w.EnsureECKey(ctx, "acme_IDP"); err != nil {
					t.Errorf("ensure: %v", err)
				}
			})
		}
		group.Wait()
		private, ok := curves[0].Private.(*ecdsa.PrivateKey)
		if !ok || private.Params().BitSize != 256 || !private.PublicKey.Equal(curves[0].Certificate.PublicKey) || curves[1].ID != curves[0].ID || curves[2].ID != curves[0].ID {
			t.Fatalf("EC keys %+v", curves)
		}
		must(t, curves[0].Certificate.CheckSignature(curves[0].Certificate.SignatureAlgorithm, curves[0].Certificate.RawTBSCertificate, curves[0].Certificate.Signature))
		var next [2]models.SigningKey
		for i, algorithm := range []models.SigningKeyAlgorithm{models.KeyRSA2048, models.KeyECDSAP256} {
			done, err := w.PublishNext(ctx, p.owner, federation.PublishNextSigningKey{PartnerID: p.partner, Algorithm: &algorithm})
			must(t, err)
			next[i] = done.SigningKey
		}
		done, err := w.Activate(ctx, p.owner, federation.ActivateNextSigningKey{SigningKeyID: next[1].ID, Force: true})
		if err != nil || done.RetiredSigningKey == nil || done.RetiredSigningKey.ID != curves[0].ID {
			t.Errorf("activated %+v, %v", done, err)
		}
		want := map[models.ID]models.SigningKeyState{
			plain.ID: models.KeyActive, next[0].ID: models.KeyNext, curves[0].ID: models.KeyRetired, next[1].ID: models.KeyActive,
		}
		if diff := cmp.Diff(want, w.states(t, "acme_IDP")); diff != "" {
			t.Errorf("states (-want +got):\n%s", diff)
		}
		active, err := w.ActiveKeys(ctx)
		if err != nil || len(active) != 2 {
			t.Errorf("active %+v, %v", active, err)
		}
	})
}

func TestWhoMayRotateKeys(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		p := w.platform(t, db, "acme_IDP")
		_, err := w.EnsureKey(ctx, "acme_IDP")
		must(t, err)
		published, err := w.PublishNext(ctx, p.operator, federation.PublishNextSigningKey{PartnerID: p.partner})
		must(t, err)
		before := w.states(t, "acme_IDP")
		for name, tc := range map[string]struct {
			who  models.Principal
			code models.Code
			sees int
		}{
			"nobody":           {models.Principal{}, models.CodeUnauthenticated, -1},
			"a customer":       {p.customer, models.CodeForbidden, -1},
			"its reseller":     {p.reseller, models.CodeForbidden, -1},
			"without writing":  {p.reader, models.CodeForbidden, 2},
			"another platform": {p.stranger, models.CodeNotFound, 0},
		} {
			_, publish := w.PublishNext(ctx, tc.who, federation.PublishNextSigningKey{PartnerID: p.partner})
			_, byID := w.PublishNext(ctx, tc.who, federation.PublishNextSigningKey{PlatformID: "acme_IDP"})
			_, activate := w.Activate(ctx, tc.who, federation.ActivateNextSigningKey{SigningKeyID: published.SigningKey.ID, Force: true})
			_, retire := w.Retire(ctx, tc.who, federation.RetireSigningKey{SigningKeyID: published.SigningKey.ID})
			for what, err := range map[string]error{"publish": publish, "publish by id": byID, "activate": activate, "retire": retire} {
				if models.CodeOf(err) != tc.code {
					t.Errorf("%s: %s: %v, want %s", name, what, err, tc.code)
				}
			}
			keys, err := w.SigningKeysFor(ctx, tc.who, []models.ID{p.configuration})
			if refused := tc.sees < 0; refused != (err != nil) || (!refused && len(keys[p.configuration]) != tc.sees) {
				t.Errorf("%s sees %v, %v", name, keys, err)
			}
		}
		if diff := cmp.Diff(before, w.states(t, "acme_IDP")); diff != "" {
			t.Errorf("a refusal changed something:\n%s", diff)
		}
		for name, err := range map[string]error{
			"unknown": errorOf(w.Activate(ctx, p.operator, federation.ActivateNextSigningKey{SigningKeyID: models.RandomIDs()(models.PrefixSigningKey)})),
			"kind":    errorOf(w.Retire(ctx, p.operator, federation.RetireSigningKey{SigningKeyID: p.partner})),
			"name":    errorOf(w.PublishNext(ctx, p.operator, federation.PublishNextSigningKey{PlatformID: "../x"})),
			"size": errorOf(w.PublishNext(ctx, p.operator, federation.PublishNextSigningKey{
				PartnerID: p.partner, Algorithm: ptr(models.SigningKeyAlgorithm("RSA_512")),
			})),
		} {
			want := models.CodeInvalid
			if name == "unknown" {
				want = models.CodeNotFound
			}
			if models.CodeOf(err) != want {
				t.Errorf("%s: %v", name, err)
			}
		}
		listed, err := w.SigningKeysFor(ctx, p.owner, []models.ID{p.configuration})
		if err != nil || len(listed[p.configuration]) != 2 || listed[p.configuration][0].State != models.KeyActive || len(listed[p.configuration][0].KeySealed) != 0 {
			t.Errorf("listed %+v, %v", listed, err)
		}
	})
}

func errorOf[T any](_ T, err error) error { return err }

func TestRotationsAtOnceMakeOneNextAndOneActiveKey(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		p := w.platform(t, db, "acme_IDP")
		_, err := w.EnsureKey(ctx, "acme_IDP")
		must(t, err)
		var group sync.WaitGroup
		found := make([]models.ID, 4)
		for i := range found {
			group.Go(func() {
				done, err := w.PublishNext(ctx, p.owner, federation.PublishNextSigningKey{PartnerID: p.partner})
				if err != nil {
					t.Errorf("publish: %v", err)
					return
				}
				found[i] = done.SigningKey.ID
				if _, err = w.Activate(ctx, p.owner, federation.ActivateNextSigningKey{SigningKeyID: found[i], Force: true}); err != nil && reasonOf(err) != "SIGNING_KEY_RETIRED" {
					t.Errorf("activate: %v", err)
				}
			})
		}
		group.Wait()
		count := map[models.SigningKeyState]int{}
		for _, state := range w.states(t, "acme_IDP") {
			count[state]++
		}
		if count[models.KeyActive] != 1 || count[models.KeyNext] > 0 {
			t.Errorf("states %v", count)
		}
	})
}

func ptr[T any](v T) *T { return &v }
