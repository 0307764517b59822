package models

import (
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"
)

// CodePurpose is what a one-time code is good for; it is good for nothing else (G04).
type CodePurpose string

// The purposes.
const (
	CodeGrantAuthorization  CodePurpose = "GRANT_AUTHORIZATION"
	CodeRevokeAuthorization CodePurpose = "REVOKE_AUTHORIZATION"
	CodeWithdrawal          CodePurpose = "WITHDRAWAL"
	CodeRelation            CodePurpose = "RELATION_CHANGE"
	CodeRealName            CodePurpose = "REAL_NAME" // the customer's, whoever of its people asks; its partner uses it (R03)
	CodeFunding             CodePurpose = "FUNDING"
	CodeStepUp              CodePurpose = "STEP_UP" // to change which actions need a code
)

// CodePurposes returns every purpose, in a fixed order.
func CodePurposes() []CodePurpose {
	return []CodePurpose{CodeGrantAuthorization, CodeRevokeAuthorization, CodeWithdrawal, CodeRelation, CodeRealName, CodeFunding, CodeStepUp}
}

// Valid reports whether p is one of CodePurposes.
func (p CodePurpose) Valid() bool { return slices.Contains(CodePurposes(), p) }

// The limits of one-time codes.
const (
	CodeDigits   = 6
	CodeValidity = 10 * time.Minute
	CodeTries    = 5           // how often one is compared, the right time included
	CodePause    = time.Minute // between two codes for one person and purpose
	CodesPerHour = 5           // for one person and purpose
	// CodesPerAddress is how many go to one address within a day, whoever asks.
	CodesPerAddress = 30
)

// The refusals of one-time codes, with machine-readable reasons.
var (
	ErrCodeRequired = Precondition("CODE_REQUIRED", "This needs a one-time code: ask for one with sendVerificationCode (G04).")
	ErrCodeWrong    = Precondition("CODE_WRONG", "The code is wrong.")
	ErrCodeExpired  = Precondition("CODE_EXPIRED", "The code has expired; ask for another one.")
	ErrCodeSpent    = Precondition("CODE_SPENT", "The code has been used before; ask for another one.")
	ErrCodeTries    = Precondition("TOO_MANY_TRIES", "The code was tried too often; ask for another one.")
)

// VerificationCode is a one-time code that was sent to a person, who proves with it that the address is theirs (G04). The
// code itself is kept as a keyed digest, and sealed only until it is sent.
type VerificationCode struct {
	bun.BaseModel `bun:"table:verification_codes,alias:vcd"`

	ID         ID          `bun:"id,pk"`
	HolderID   string      `bun:"holder_id"` // the person or key that asked for it, who alone uses it
	OrgID      ID          `bun:"org_id"`    // the customer or partner that it belongs to
	Purpose    CodePurpose `bun:"purpose"`
	Hash       string      `bun:"hash"`        // keyed digest of the code
	CodeSealed []byte      `bun:"code_sealed"` // nil once it was sent, or replaced
	ToSealed   []byte      `bun:"to_sealed"`   // the address
	ToBlind    string      `bun:"to_blind"`    // keyed digest of the address
	Language   Language    `bun:"language"`    // of the letter
	Tries      int         `bun:"tries"`       // how often it was compared
	IsCurrent  bool        `bun:"is_current"`  // whether no later one has replaced it
	ExpiresAt  time.Time   `bun:"expires_at"`  //
	CreatedAt  time.Time   `bun:"created_at"`  //
	UsedAt     *time.Time  `bun:"used_at"`     // nil = not used
	MailState  MailState   `bun:"mail_state"`  // what became of the letter
}

// NodeID returns the id to order by.
func (c VerificationCode) NodeID() ID { return c.ID }

// Refusal says why the code cannot be tried now, or is nil: CODE_SPENT, CODE_EXPIRED or TOO_MANY_TRIES.
func (c VerificationCode) Refusal(now time.Time) error {
	switch {
	case c.UsedAt != nil:
		return ErrCodeSpent
	case !now.Before(c.ExpiresAt):
		return ErrCodeExpired
	case c.Tries >= CodeTries:
		return ErrCodeTries
	}
	return nil
}

// MaskEmail returns what an address looks like to whoever may not see it: m***@e***.com. It tells its owner which one it is.
func MaskEmail(address string) string {
	name, domain, _ := strings.Cut(address, "@")
	host, rest := domain, ""
	if dot := strings.LastIndexByte(domain, '.'); dot > 0 {
		host, rest = domain[:dot], domain[dot:]
	}
	return firstRune(name) + "***@" + firstRune(host) + "***" + rest
}

func firstRune(text string) string {
	for _, r := range text {
		return string(r)
	}
	return ""
}
