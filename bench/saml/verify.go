package main

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/xml"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	crewjam "github.com/crewjam/saml"

	"github.com/partnergraph/partnergraph/saml/verify"
)

// verifyResponses verifies the same bytes with package verify and with the library's parser, which is no floor for what it leaves out
// but what everybody else pays.
func verifyResponses(ctx context.Context, _ *slog.Logger, opts options) ([]row, error) {
	crewjam.MaxIssueDelay = time.Hour
	ours, err := newKey("cloud")
	if err != nil {
		return nil, err
	}
	theirs, err := newKey("platform")
	if err != nil {
		return nil, err
	}
	from := provider{entityID: "https://idp.bench.example/metadata", key: theirs, person: person("par_bench")}
	q := question{requestID: "_request-1", audience: "https://cloud.example/saml/sp/bench_IDP/metadata", acs: "https://cloud.example/saml/sp/bench_IDP/acs"}
	library, acs, err := libraryProvider(from, q, ours.Signer, ours.Cert)
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, how := range []travel{
		{name: "verify a response, assertion signed", responseUnsigned: true},
		{name: "verify a response, both signed"},
		{name: "verify a response, both signed, encrypted", encryptTo: ours.Cert},
	} {
		message, err := from.answer(q, how)
		if err != nil {
			return nil, err
		}
		took, err := compete(ctx, opts,
			func() error {
				_, err := library.ParseXMLResponse(message, []string{q.requestID}, acs)
				return err
			},
			func() error {
				_, err := verify.Response(message, verify.Expect{
					Issuer: from.entityID, Audience: q.audience, ACS: q.acs, RequestID: q.requestID, Certificates: []*x509.Certificate{theirs.Cert},
					Keys: []crypto.Decrypter{ours.Signer.(crypto.Decrypter)}, AllowCBC: true, Now: time.Now(), MaxAge: time.Hour,
				})
				return err
			})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", how.name, err)
		}
		rows = append(rows, row{Name: how.name, Floor: took[0], Ours: took[1], Factor: 1.2})
	}
	return rows, nil
}

func person(bpID string) map[string]string {
	return map[string]string{"xUserId": "user-1", "xAccountId": "account-1", "bpId": bpID, "name": "The bench", "email": "bench@example.com"}
}

// libraryProvider is the library's service provider for the same connection.
func libraryProvider(from provider, q question, key crypto.Signer, cert *x509.Certificate) (*crewjam.ServiceProvider, url.URL, error) {
	acs, err := url.Parse(q.acs)
	if err != nil {
		return nil, url.URL{}, err
	}
	entity := &crewjam.EntityDescriptor{}
	if err := xml.Unmarshal(from.metadata(), entity); err != nil {
		return nil, url.URL{}, err
	}
	return &crewjam.ServiceProvider{EntityID: q.audience, Key: key, Certificate: cert, AcsURL: *acs, IDPMetadata: entity}, *acs, nil
}
