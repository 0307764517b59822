package models

import (
	"time"

	"github.com/uptrace/bun"
)

// TestLoginState says how far a test login has come.
type TestLoginState string

// The states of a test login.
const (
	TestWaiting TestLoginState = "WAITING" // nobody has come back with an answer yet
	TestDone    TestLoginState = "DONE"
	TestExpired TestLoginState = "EXPIRED" // the link was not used in time, or the day is over
)

// TestLogin is a login that signs nobody in: it shows what a platform's answer says and each check's verdict. What the answer
// said is sealed, since it is about a person, and gone after a day.
type TestLogin struct {
	bun.BaseModel `bun:"table:test_logins,alias:tl"`

	ID           ID         `bun:"id,pk"`
	PartnerID    ID         `bun:"partner_id"`
	PlatformID   string     `bun:"platform_id"`
	TokenHash    []byte     `bun:"token_hash"` // of the link's token; null once it is used
	ReportSealed []byte     `bun:"report_sealed"`
	CreatedAt    time.Time  `bun:"created_at"`
	FinishedAt   *time.Time `bun:"finished_at"`
	ExpiresAt    time.Time  `bun:"expires_at"` // of the link until it is finished, then of the report

	// Report is what ReportSealed holds; nil until the room has opened it.
	Report *TestReport `bun:"-"`
	// State is set by the room, which knows the time.
	State TestLoginState `bun:"-"`
}

// NodeID returns the id to page by.
func (t TestLogin) NodeID() ID { return t.ID }

// IsNode marks the type as a GraphQL Node.
func (TestLogin) IsNode() {}

// TestReport is what became of a test login.
type TestReport struct {
	Accepted   bool            `json:"accepted"` // a login with this answer would have been accepted
	Checks     []TestCheck     `json:"checks"`
	Attributes []TestAttribute `json:"attributes"`
	NameID     string          `json:"nameId"`

	ResponseSigned           bool   `json:"responseSigned"`
	AssertionSigned          bool   `json:"assertionSigned"`
	Encrypted                bool   `json:"encrypted"`
	ResponseSignatureMethod  string `json:"responseSignatureMethod"`
	AssertionSignatureMethod string `json:"assertionSignatureMethod"`
	EncryptionMethod         string `json:"encryptionMethod"`
	KeyTransport             string `json:"keyTransport"`
}

// TestVerdict is the outcome of one check.
type TestVerdict string

// The verdicts.
const (
	TestPassed  TestVerdict = "PASSED"
	TestFailed  TestVerdict = "FAILED"
	TestSkipped TestVerdict = "SKIPPED" // not applicable, or not reached
)

// TestCheck is one check and its outcome.
type TestCheck struct {
	Name    string      `json:"name"`
	Verdict TestVerdict `json:"verdict"`
	Reason  *string     `json:"reason"`
	Detail  *string     `json:"detail"`
}

// TestAttribute is one attribute as the platform sent it.
type TestAttribute struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
	Fills  *string  `json:"fills"` // the field of the contract that it fills
}
