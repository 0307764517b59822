package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/letters"
	"github.com/partnergraph/partnergraph/store"
)

// ConsumerCodes is told of models.EventCodeRequested, to send the codes.
const ConsumerCodes = "verification-codes"

// codesKept is how long rows of codes are kept, for the throttles; a day is the longest that one looks back.
const codesKept = 7 * 24 * time.Hour

// The refusals of sending codes; models.ErrCodeWrong and its like are those of using them.
var (
	ErrNoAddress     = models.Precondition("NO_ADDRESS", "There is no e-mail address to send a code to.")
	ErrCodesOff      = models.Precondition("MAIL_NOT_SET_UP", "This server sends no e-mail, and so no codes.")
	ErrCodesNotYours = models.Forbidden("Codes are for partners and customers; operators need none.")
	ErrCodeCustomers = models.Forbidden("Only customers need a code for this.")
	ErrCodePartners  = models.Forbidden("Only partners need a code for this.")
)

// CodeMessage is a code on its way to a person.
type CodeMessage struct {
	ID     string // the same whenever this message is tried again
	To     string // an e-mail address
	Letter letters.Letter
}

// CodeSender hands codes to their receivers: by e-mail, or, for whoever writes one, by text message. It may be asked to send the
// same message more than once.
type CodeSender interface {
	// SendCode reports refused when no server will ever take the message; every error is tried again.
	SendCode(ctx context.Context, message CodeMessage) (refused bool, err error)
}

// Addresses knows the address of a customer's account. Customers live above this room, so it asks through this.
type Addresses interface {
	EmailOfIn(ctx context.Context, db bun.IDB, customerID models.ID) (email *string, err error)
}

// Sealer encrypts at rest what is to be sent. A context names where a sealed value belongs; under another one it does not open.
type Sealer interface {
	Seal(plain []byte, context string) []byte
	Open(sealed []byte, context string) ([]byte, error)
	// Blind returns a keyed digest.
	Blind(text, context string) string
}

// Codes sends one-time codes and checks them (G04), and keeps what an organisation has ask for them. All fields are required
// unless they say otherwise and are set once, before use; it is then safe for concurrent use.
type Codes struct {
	DB        *store.DB
	Now       func() time.Time
	IDs       models.IDSource
	Events    *events.Recorder
	Random    io.Reader // of cryptographic quality
	Seal      Sealer
	Addresses Addresses
	Sender    CodeSender // nil = this server sends no codes
	Attempts  Attempts   // nil = codes are not throttled by network address, which only tests want
	Logger    *slog.Logger
}

// SendVerificationCode says what a code is for.
type SendVerificationCode struct {
	Purpose  models.CodePurpose
	Email    *string          // for a partner's STEP_UP while nothing asks for codes: the address to send to from then on; nil otherwise
	Language *models.Language // of the letter; nil = EN
}

// SentCode says where a code went.
type SentCode struct {
	SentTo     string // the address, masked
	ExpiresAt  time.Time
	RetryAfter int64 // seconds until another one may be asked for
}

// CodeOwner is a customer whose code somebody else asks for and uses: its partner, or an operator, that verifies it (R03).
type CodeOwner struct {
	CustomerID models.ID
	PartnerID  models.ID // the customer's, which is told beside it; zero = it has none
}

// Proof is what became of a try of a code. The zero value proves nothing and is CODE_REQUIRED when it is used.
type Proof struct {
	id      models.ID
	toBlind string
	owner   CodeOwner // zero = the caller's organisation
	refusal error
}

// Refusal says what is wrong with the code, as Use would; nil = it is good for now. It is for what cannot be repeated under a key.
func (p Proof) Refusal() error {
	if p.refusal == nil && p.id == "" {
		return models.ErrCodeRequired
	}
	return p.refusal
}

// Send makes a code for the caller and has it sent to the address of the caller's organisation after the commit; an earlier
// one for the same purpose is void from then on. A customer's address is its account's, a partner's the one that setStepUp has
// confirmed. It needs the permission of what the code is for: MONEY_MOVE for WITHDRAWAL, MONEY_MOVE or ORDERS_PAY for FUNDING,
// RELATIONS_CHANGE for the others. A code for REAL_NAME is the customer's, and no person's, because its partner uses it.
// RATE_LIMITED: sooner than models.CodePause, more than models.CodesPerHour, more than models.CodesPerAddress to one address
// within a day. Reasons of PRECONDITION_FAILED: NO_ADDRESS, MAIL_NOT_SET_UP.
func (c *Codes) Send(ctx context.Context, who models.Principal, cmd SendVerificationCode) (SentCode, error) {
	if err := cmd.check(who); err != nil {
		return SentCode{}, err
	}
	code := models.VerificationCode{HolderID: who.ActorID(), OrgID: who.OrgID(), Purpose: cmd.Purpose}
	if cmd.Purpose == models.CodeRealName {
		code.HolderID = string(who.CustomerID)
	}
	return c.send(ctx, who, code, cmd.Language, happenedTo(who, models.Event{}), func(ctx context.Context, tx bun.Tx) (string, error) {
		return c.destination(ctx, tx, who, cmd)
	})
}

// SendTo is Send to the address of a customer's account, for a caller whose right to ask for the customer's code the room above
// has made sure of. The throttles are the customer's, whoever asks.
func (c *Codes) SendTo(ctx context.Context, who models.Principal, owner CodeOwner, purpose models.CodePurpose, language *models.Language) (SentCode, error) {
	if err := models.CheckLanguage(language, "language"); err != nil {
		return SentCode{}, err
	}
	code := models.VerificationCode{HolderID: string(owner.CustomerID), OrgID: owner.CustomerID, Purpose: purpose}
	return c.send(ctx, who, code, language, owner.event(), func(ctx context.Context, tx bun.Tx) (string, error) {
		return c.emailOf(ctx, tx, owner.CustomerID)
	})
}

// send makes a code and has it sent. The event says to whom it happened.
func (c *Codes) send(ctx context.Context, who models.Principal, code models.VerificationCode, language *models.Language, event models.Event,
	destination func(ctx context.Context, tx bun.Tx) (string, error),
) (SentCode, error) {
	if c.Sender == nil {
		return SentCode{}, ErrCodesOff
	}
	if err := c.throttle(ctx, who.RemoteAddr); err != nil {
		return SentCode{}, err
	}
	number, err := rand.Int(c.Random, big.NewInt(1_000_000))
	if err != nil {
		return SentCode{}, fmt.Errorf("identity: randomness: %w", err)
	}
	digits := fmt.Sprintf("%0*d", models.CodeDigits, number.Int64())
	var sent SentCode
	err = c.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		to, err := destination(ctx, tx)
		if err != nil {
			return err
		}
		now := c.now()
		code.ID, code.Language, code.ToBlind, code.IsCurrent = c.IDs(models.PrefixVerificationCode), models.English, c.blindAddress(to), true
		code.ExpiresAt, code.CreatedAt, code.MailState = now.Add(models.CodeValidity), now, models.MailQueued
		if language != nil {
			code.Language = *language
		}
		code.Hash = c.hash(code.ID, digits)
		code.CodeSealed = c.Seal.Seal([]byte(digits), sealedCode(code.ID))
		code.ToSealed = c.Seal.Seal([]byte(to), sealedAddress(code.ID))
		if err := c.mayHaveAnother(ctx, tx, code); err != nil {
			return err
		}
		if err := replaceCode(ctx, tx, &code); err != nil {
			if store.Conflicts(err, "verification_codes", "org_id") {
				return models.RateLimited(models.CodePause) // asked for twice at once
			}
			return err
		}
		sent = SentCode{SentTo: models.MaskEmail(to), ExpiresAt: code.ExpiresAt, RetryAfter: int64(models.CodePause / time.Second)}
		event.Type, event.SubjectID, event.Data = models.EventCodeRequested, string(code.ID), map[string]any{"purpose": code.Purpose}
		return c.Events.Record(ctx, tx, who, event)
	})
	if err != nil {
		return SentCode{}, err
	}
	return sent, nil
}

func (cmd SendVerificationCode) check(who models.Principal) error {
	if !cmd.Purpose.Valid() {
		return models.Invalid("purpose", "This is no purpose of a code.")
	}
	needed := models.ChangeRelations
	switch {
	case cmd.Purpose == models.CodeFunding && who.May(models.PayOrders):
		needed = models.PayOrders
	case cmd.Purpose == models.CodeWithdrawal, cmd.Purpose == models.CodeFunding:
		needed = models.MoveMoney
	}
	if err := access.Require(who, needed); err != nil {
		return err
	}
	switch cmd.Purpose {
	case models.CodeGrantAuthorization, models.CodeRevokeAuthorization, models.CodeRealName:
		if who.OrgID() != "" && who.CustomerID == "" {
			return ErrCodeCustomers
		}
	case models.CodeFunding:
		if who.CustomerID != "" {
			return ErrCodePartners
		}
	}
	if who.OrgID() == "" {
		return ErrCodesNotYours
	}
	if cmd.Email != nil {
		if who.CustomerID != "" || cmd.Purpose != models.CodeStepUp {
			return models.Invalid("email", "An address is for a partner that turns codes on.")
		}
		if err := models.CheckEmail(*cmd.Email, "email"); err != nil {
			return err
		}
	}
	return models.CheckLanguage(cmd.Language, "language")
}

// destination is the address that codes of the caller's organisation go to.
func (c *Codes) destination(ctx context.Context, tx bun.IDB, who models.Principal, cmd SendVerificationCode) (string, error) {
	if who.CustomerID != "" {
		return c.emailOf(ctx, tx, who.CustomerID)
	}
	row, found, err := selectStepUp(ctx, tx, who.PartnerID)
	switch {
	case err != nil:
		return "", err
	case found && cmd.Email != nil:
		return "", models.Invalid("email", "Codes go to the address that was confirmed; turn them off to confirm another one.")
	case found:
		return c.openAddress(row)
	case cmd.Email != nil:
		return *cmd.Email, nil
	}
	return "", ErrNoAddress
}

func (c *Codes) emailOf(ctx context.Context, tx bun.IDB, customer models.ID) (string, error) {
	email, err := c.Addresses.EmailOfIn(ctx, tx, customer)
	if err == nil && email == nil {
		err = ErrNoAddress
	}
	if err != nil {
		return "", err
	}
	return *email, nil
}

// mayHaveAnother applies the throttles that no lost cache lifts.
func (c *Codes) mayHaveAnother(ctx context.Context, tx bun.IDB, code models.VerificationCode) error {
	last, found, err := selectCurrentCodeForUpdate(ctx, tx, code.OrgID, code.HolderID, code.Purpose)
	if err != nil {
		return err
	}
	if found {
		if wait := last.CreatedAt.Add(models.CodePause).Sub(code.CreatedAt); wait > 0 {
			return models.RateLimited(wait)
		}
	}
	asked, err := countCodesOf(ctx, tx, code, code.CreatedAt.Add(-time.Hour))
	if err != nil {
		return err
	}
	if asked >= models.CodesPerHour {
		return models.RateLimited(time.Hour)
	}
	sent, err := countCodesTo(ctx, tx, code.ToBlind, code.CreatedAt.Add(-24*time.Hour))
	if err == nil && sent >= models.CodesPerAddress {
		return models.RateLimited(24 * time.Hour)
	}
	return err
}

// Codes that are asked for from one network address within codeWindow, after which RATE_LIMITED is the answer.
const (
	codeWindow      = 15 * time.Minute
	codesPerNetwork = 30
)

// throttle counts by network address. When the counter is out of reach the throttles in SQL remain.
func (c *Codes) throttle(ctx context.Context, remoteAddr string) error {
	if c.Attempts == nil || remoteAddr == "" {
		return nil
	}
	switch count, err := c.Attempts.Hit(ctx, "code:addr:"+remoteAddr, codeWindow); {
	case err != nil:
		c.Logger.LogAttrs(ctx, slog.LevelWarn, "requests for codes are not counted", slog.Any("error", err))
	case count > codesPerNetwork:
		return models.RateLimited(codeWindow)
	}
	return nil
}

// Try compares a code with the caller's newest one for a purpose, in a transaction of its own, so that the try counts even
// when what the code is for is refused. Call it before the transaction that spends the code, and never inside it: the count
// would wait for that transaction, or go with it. What is wrong with the code is said by Use, so that whoever repeats an
// operation under the same idempotency key gets the first answer again. An error is a fault of the database's.
func (c *Codes) Try(ctx context.Context, who models.Principal, purpose models.CodePurpose, code *string) (Proof, error) {
	return c.try(ctx, who.OrgID(), who.ActorID(), purpose, code)
}

// TryOf is Try of a code that SendTo has sent, or the customer itself for REAL_NAME. The tries are counted whoever makes them.
func (c *Codes) TryOf(ctx context.Context, owner CodeOwner, purpose models.CodePurpose, code *string) (Proof, error) {
	proof, err := c.try(ctx, owner.CustomerID, string(owner.CustomerID), purpose, code)
	proof.owner = owner
	return proof, err
}

func (c *Codes) try(ctx context.Context, org models.ID, holder string, purpose models.CodePurpose, code *string) (Proof, error) {
	if code == nil || *code == "" {
		return Proof{refusal: models.ErrCodeRequired}, nil
	}
	if len(*code) != models.CodeDigits || strings.Trim(*code, "0123456789") != "" {
		return Proof{refusal: models.Invalid("code", "A code has 6 digits.")}, nil
	}
	var proof Proof
	err := c.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		row, found, err := selectCurrentCodeForUpdate(ctx, tx, org, holder, purpose)
		if err != nil {
			return err
		}
		proof = Proof{}
		if !found {
			proof.refusal = models.ErrCodeRequired
			return nil
		}
		if proof.refusal = row.Refusal(c.now()); proof.refusal != nil {
			return nil //nolint:nilerr // it is for Use to say
		}
		row.Tries++
		if err := updateTries(ctx, tx, row); err != nil {
			return err
		}
		if subtle.ConstantTimeCompare([]byte(c.hash(row.ID, *code)), []byte(row.Hash)) != 1 {
			wrong := models.Precondition(models.ErrCodeWrong.Reason(), models.ErrCodeWrong.Message)
			wrong.Details["triesLeft"] = models.CodeTries - row.Tries
			proof.refusal = wrong
			return nil
		}
		proof = Proof{id: row.ID, toBlind: row.ToBlind}
		return nil
	})
	return proof, err
}

// Use spends the code of a proof in the caller's transaction, which gives it back by failing. Reasons of PRECONDITION_FAILED:
// CODE_REQUIRED, CODE_WRONG with triesLeft in the details, CODE_EXPIRED, CODE_SPENT, TOO_MANY_TRIES; INVALID for what is no code.
func (c *Codes) Use(ctx context.Context, tx bun.IDB, who models.Principal, proof Proof) error {
	if refusal := proof.Refusal(); refusal != nil {
		return refusal
	}
	row, found, err := spendCode(ctx, tx, proof.id, c.now())
	if err != nil {
		return err
	}
	if !found {
		return models.ErrCodeSpent // by somebody who was faster, or replaced meanwhile
	}
	event := happenedTo(who, models.Event{})
	if proof.owner.CustomerID != "" {
		event = proof.owner.event()
	}
	event.Type, event.SubjectID, event.Data = models.EventCodeUsed, string(row.ID), map[string]any{"purpose": row.Purpose}
	return c.Events.Record(ctx, tx, who, event)
}

// Guard is Use where the caller's organisation has the action ask for a code, and nothing elsewhere.
func (c *Codes) Guard(ctx context.Context, tx bun.IDB, who models.Principal, action models.StepUpAction, proof Proof) error {
	if who.OrgID() == "" {
		return nil
	}
	row, found, err := selectStepUp(ctx, tx, who.OrgID())
	if err != nil || !found || !row.Asks(action) {
		return err
	}
	return c.Use(ctx, tx, who, proof)
}

// SendCode sends the code that an event asks for: what the relay hands over for ConsumerCodes. One that was sent, replaced or
// used, or that has expired, is not sent.
func (c *Codes) SendCode(ctx context.Context, event models.Event) error {
	row, found, err := selectCode(ctx, c.DB, models.ID(event.SubjectID))
	if err != nil || !found || row.MailState != models.MailQueued || row.CodeSealed == nil || row.Refusal(c.now()) != nil {
		return err
	}
	digits, err := c.Seal.Open(row.CodeSealed, sealedCode(row.ID))
	if err != nil {
		return err
	}
	to, err := c.Seal.Open(row.ToSealed, sealedAddress(row.ID))
	if err != nil {
		return err
	}
	letter, err := writeCode(row, string(digits))
	if err != nil {
		return err
	}
	refused, err := c.Sender.SendCode(ctx, CodeMessage{ID: string(row.ID), To: string(to), Letter: letter})
	if err != nil {
		return err
	}
	row.MailState = models.MailSent
	if refused {
		row.MailState = models.MailRefused
	}
	return noteSent(ctx, c.DB, row)
}

// Sweep removes the codes that no throttle looks at any more, and returns how many.
func (c *Codes) Sweep(ctx context.Context) (int64, error) {
	return deleteCodes(ctx, c.DB, c.now().Add(-codesKept))
}

// happenedTo makes an event one of the caller's organisation.
func happenedTo(who models.Principal, event models.Event) models.Event {
	if event.CustomerID = who.CustomerID; event.CustomerID == "" {
		event.PartnerID = who.PartnerID
	}
	return event
}

func (o CodeOwner) event() models.Event {
	return models.Event{PartnerID: o.PartnerID, CustomerID: o.CustomerID}
}

func sealedCode(id models.ID) string    { return "verification_codes.code:" + string(id) }
func sealedAddress(id models.ID) string { return "verification_codes.to:" + string(id) }

func (c *Codes) now() time.Time { return c.Now().UTC().Truncate(time.Microsecond) }

// hash is keyed, because there are only a million codes to try.
func (c *Codes) hash(id models.ID, digits string) string { return c.Seal.Blind(digits, sealedCode(id)) }

func (c *Codes) blindAddress(email string) string {
	return c.Seal.Blind(strings.ToLower(email), "verification_codes.to")
}
