package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"log/slog"
	"time"

	"github.com/partnergraph/partnergraph/saml/idp"
	"github.com/partnergraph/partnergraph/saml/wire"
)

// issueResponses makes answers as our identity provider does, beside the bare signatures that they carry.
func issueResponses(ctx context.Context, _ *slog.Logger, opts options) ([]row, error) {
	ours, err := newKey("storefront")
	if err != nil {
		return nil, err
	}
	theirs, err := newKey("cloud")
	if err != nil {
		return nil, err
	}
	now := time.Now()
	answer := idp.Answer{
		Issuer: "https://storefront.example/saml/idp/bench/metadata", Audience: "https://cloud.example/sp", ACSURL: "https://cloud.example/acs",
		InResponseTo: "_" + rand.Text(), Name: wire.NameID{Value: "_" + rand.Text(), Format: "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"},
		SessionIndex: "_" + rand.Text(), Context: "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
		SignedInAt: now, SessionNotOnOrAfter: now.Add(time.Hour), Now: now, Key: ours,
	}
	for _, name := range []string{"xUserId", "xAccountId", "bpId", "name", "email"} {
		answer.Attributes = append(answer.Attributes, idp.Value{Name: name, Value: person("par_bench")[name]})
	}
	both, sealed := answer, answer
	both.SignAssertion, sealed.SignAssertion = true, true
	sealed.EncryptTo = theirs.Cert
	private := ours.Signer.(*rsa.PrivateKey)
	sum := sha256.Sum256([]byte("floor"))
	sign := func(times int) contestant {
		return func() error {
			for range times {
				if _, err := private.Sign(rand.Reader, sum[:], crypto.SHA256); err != nil {
					return err
				}
			}
			return nil
		}
	}
	write := func(a idp.Answer) contestant {
		return func() error {
			_, _, err := a.Write(rand.Reader)
			return err
		}
	}
	took, err := compete(ctx, opts, sign(1), write(answer), sign(2), write(both), write(sealed))
	if err != nil {
		return nil, err
	}
	const factor, allowance = 1.15, 300 * time.Microsecond
	return []row{
		{Name: "issue a response, response signed", Floor: took[0], Ours: took[1], Factor: factor, Allowance: allowance},
		{Name: "issue a response, both signed", Floor: took[2], Ours: took[3], Factor: factor, Allowance: allowance},
		{Name: "issue a response, both signed, encrypted", Floor: took[2], Ours: took[4], Factor: factor, Allowance: allowance},
	}, nil
}
