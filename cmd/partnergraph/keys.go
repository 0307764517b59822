package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/federation"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/seal"
)

type keysCommand struct {
	Seal     sealKeyCommand      `cmd:"" help:"Print a fresh key for the setting seal-keys."`
	List     listKeysCommand     `cmd:"" help:"List the signing keys of all platforms, or of one."`
	Next     nextKeyCommand      `cmd:"" help:"Make a platform's next signing key and publish it in the metadata."`
	Activate activateKeyCommand  `cmd:"" help:"Let the next signing key sign, and retire the active one."`
	Retire   retireOneKeyCommand `cmd:"" help:"Take a next signing key out of the metadata, or remove a retired one."`
}

type sealKeyCommand struct {
	ID string `default:"" help:"What the key is called in the setting, 1 to 64 characters; the day when left out."`
}

// Run prints a key as the setting wants it. It is kept nowhere.
func (c sealKeyCommand) Run() error { return c.print(os.Stdout, time.Now()) }

func (c sealKeyCommand) print(w io.Writer, now time.Time) error {
	if c.ID == "" {
		c.ID = "k" + now.UTC().Format("20060102")
	}
	key := make([]byte, seal.KeySize)
	if _, err := rand.Read(key); err != nil {
		return err
	}
	line := c.ID + ":" + base64.StdEncoding.EncodeToString(key)
	if _, err := seal.New(line); err != nil || strings.Contains(c.ID, ",") {
		return errors.New("--id: 1 to 64 characters, no colon and no comma")
	}
	_, err := fmt.Fprintln(w, line)
	return err
}

// keyStore is the database with what opening and making keys needs.
type keyStore struct {
	DatabaseURL string `name:"database-url" required:"" env:"PARTNERGRAPH_DATABASE_URL" help:"postgres://user@host/name or sqlite:///path/file.db; migrated."`
}

// with runs fn on the room, in front of the configured database. Whoever can reach the database may.
func (k keyStore) with(ctx context.Context, sealKeys string, fn func(*federation.Service) error) error {
	db, err := store.Open(ctx, k.DatabaseURL)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	room := keyRoom(db)
	if sealKeys != "" {
		if room.Seal, err = seal.New(sealKeys); err != nil {
			return fmt.Errorf("setting seal-keys: %w", err)
		}
	}
	return fn(room)
}

func keyRoom(db *store.DB) *federation.Service {
	ids := models.RandomIDs()
	return &federation.Service{DB: db, Now: time.Now, IDs: ids, Events: &events.Recorder{IDs: ids, Now: time.Now}, Random: rand.Reader}
}

var keysPrincipal = models.SystemPrincipal("keys")

type listKeysCommand struct {
	keyStore
	Platform string `help:"Only the keys of this platform."`
}

// Run lists keys, the active ones first.
func (c listKeysCommand) Run(ctx context.Context) error {
	return c.with(ctx, "", func(room *federation.Service) error { return c.list(ctx, os.Stdout, room) })
}

func (c listKeysCommand) list(ctx context.Context, w io.Writer, room *federation.Service) error {
	keys, err := room.AllKeys(ctx, c.Platform)
	if err != nil {
		return err
	}
	if len(keys) == 0 {
		_, err = fmt.Fprintln(w, "There are no signing keys: a platform gets its first one when its metadata is fetched, or somebody signs in through it.")
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "ID\tPLATFORM\tSTATE\tALGORITHM\tCREATED\tEXPIRES\tSHA-256")
	for _, key := range keys {
		state := string(key.State)
		if key.RemovedAt != nil {
			state = "REMOVED"
		}
		expires := day(key.ExpiresAt)
		if key.ExpiresSoon {
			expires += " (soon)"
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", key.ID, key.PlatformID, state, key.Algorithm, day(key.CreatedAt), expires, key.Fingerprint())
	}
	return table.Flush()
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

type nextKeyCommand struct {
	keyStore
	SealKeys  string `name:"seal-keys" required:"" env:"PARTNERGRAPH_SEAL_KEYS" help:"As for serve: they encrypt the private half."`
	Platform  string `required:"" help:"The platform's id."`
	Algorithm string `enum:",RSA_2048,RSA_3072,ECDSA_P256" default:"" help:"RSA_2048, RSA_3072 or ECDSA_P256; as the active RSA key when left out."`
}

// Run publishes the next key; when there is one already it says so and changes nothing.
func (c nextKeyCommand) Run(ctx context.Context) error {
	return c.with(ctx, c.SealKeys, func(room *federation.Service) error { return c.publish(ctx, os.Stdout, room) })
}

func (c nextKeyCommand) publish(ctx context.Context, w io.Writer, room *federation.Service) error {
	command := federation.PublishNextSigningKey{PlatformID: c.Platform}
	if algorithm := models.SigningKeyAlgorithm(c.Algorithm); algorithm != "" {
		command.Algorithm = &algorithm
	}
	done, err := room.PublishNext(ctx, keysPrincipal, command)
	if models.CodeOf(err) == models.CodeNotFound {
		return fmt.Errorf("there is no platform %s: its partner has saved no access configuration", c.Platform)
	}
	if err != nil {
		return err
	}
	key := done.SigningKey
	ready := key.CreatedAt
	if key.PublishedAt != nil {
		ready = *key.PublishedAt
	}
	_, err = fmt.Fprintf(w, "%s is the next %s key of %s, SHA-256 %s.\nIt is in the metadata. Let every peer fetch that, and activate the key after %s.\n",
		key.ID, key.Algorithm, key.PlatformID, key.Fingerprint(), ready.Add(federation.MetadataCacheTime).UTC().Format(time.RFC3339))
	return err
}

// chosenKey names a key by its id, or as the next one of a platform.
type chosenKey struct {
	Key       string `arg:"" optional:"" help:"The key's id; left out, the next key of --platform."`
	Platform  string `help:"The platform's id, in place of the key's."`
	Algorithm string `enum:",RSA_2048,RSA_3072,ECDSA_P256" default:"" help:"Which next key of the platform, when it has an RSA and an ECDSA one."`
}

func (c chosenKey) find(ctx context.Context, room *federation.Service) (models.ID, error) {
	switch {
	case c.Key != "" && c.Platform != "":
		return "", errors.New("name the key, or the platform, not both")
	case c.Key != "":
		return models.ParseID(c.Key)
	case c.Platform == "":
		return "", errors.New("name the key, or --platform")
	}
	keys, err := room.AllKeys(ctx, c.Platform)
	if err != nil {
		return "", err
	}
	var next []models.ID
	for _, key := range keys {
		if key.State == models.KeyNext && (c.Algorithm == "" || string(key.Algorithm) == c.Algorithm) {
			next = append(next, key.ID)
		}
	}
	switch len(next) {
	case 0:
		return "", fmt.Errorf("platform %s has no such next key; see keys list, and make one with keys next", c.Platform)
	case 1:
		return next[0], nil
	}
	return "", fmt.Errorf("platform %s has several next keys; say which with --algorithm", c.Platform)
}

type activateKeyCommand struct {
	keyStore
	chosenKey
	Force bool `help:"Also before peers can have fetched the metadata with the key: sign-ins fail until they have."`
}

// Run lets the key sign.
func (c activateKeyCommand) Run(ctx context.Context) error {
	return c.with(ctx, "", func(room *federation.Service) error { return c.activate(ctx, os.Stdout, room) })
}

func (c activateKeyCommand) activate(ctx context.Context, w io.Writer, room *federation.Service) error {
	id, err := c.find(ctx, room)
	if err != nil {
		return err
	}
	done, err := room.Activate(ctx, keysPrincipal, federation.ActivateNextSigningKey{SigningKeyID: id, Force: c.Force})
	if err != nil {
		return err
	}
	if _, err = fmt.Fprintf(w, "%s signs for %s.\n", done.SigningKey.ID, done.SigningKey.PlatformID); err != nil || done.RetiredSigningKey == nil {
		return err
	}
	old := done.RetiredSigningKey
	_, err = fmt.Fprintf(w, "%s is retired: it is out of the metadata, and opens what is encrypted to it until %s.\n", old.ID, day(old.ExpiresAt))
	return err
}

type retireOneKeyCommand struct {
	keyStore
	chosenKey
	Remove bool `help:"Destroy the private half too: nothing that is encrypted to the key opens any more."`
}

// Run takes the key out of use.
func (c retireOneKeyCommand) Run(ctx context.Context) error {
	return c.with(ctx, "", func(room *federation.Service) error { return c.retire(ctx, os.Stdout, room) })
}

func (c retireOneKeyCommand) retire(ctx context.Context, w io.Writer, room *federation.Service) error {
	id, err := c.find(ctx, room)
	if err != nil {
		return err
	}
	done, err := room.Retire(ctx, keysPrincipal, federation.RetireSigningKey{SigningKeyID: id, Remove: c.Remove})
	if err != nil {
		return err
	}
	became := "retired: it is out of the metadata, and opens what is encrypted to it until " + day(done.SigningKey.ExpiresAt)
	if done.SigningKey.RemovedAt != nil {
		became = "removed: its private half is destroyed"
	}
	_, err = fmt.Fprintf(w, "%s is %s.\n", done.SigningKey.ID, became)
	return err
}
