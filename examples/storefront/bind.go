package storefront

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"strings"
	"time"

	"github.com/partnergraph/partnergraph/saml/bind"
)

// notificationAge is how old a bind notification may be.
const notificationAge = 5 * time.Minute

// bind takes the signed word that an account was bound or released. It is posted by the customer's browser, so nothing but the
// signature is believed; the same word twice changes nothing.
func (s *Storefront) bind(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	certs, err := s.spCertificates(r)
	if err != nil {
		http.Error(w, "The service provider's keys could not be read; try again.", http.StatusServiceUnavailable)
		return
	}
	form := bind.Form{
		BindRequest: r.PostFormValue("bindRequest"), SigAlg: r.PostFormValue("SigAlg"), Signature: r.PostFormValue("Signature"),
	}
	told, err := bind.Verify(form, certs, s.cfg.Now(), notificationAge)
	if err != nil || told.XAccountType != s.cfg.PlatformID {
		http.Error(w, "This notification is not genuine.", http.StatusBadRequest)
		return
	}
	if s.once("bind:" + told.Nonce) {
		s.mu.Lock()
		if told.BindAction == bind.Bind {
			s.bound[told.XAccountID] = told.DomainID
		} else {
			delete(s.bound, told.XAccountID)
		}
		s.mu.Unlock()
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("noted\n"))
}

// spCertificates reads the signing certificates of partnergraph's metadata.
func (s *Storefront) spCertificates(r *http.Request) ([]*x509.Certificate, error) {
	metadata, err := s.spMetadata(r.Context())
	if err != nil {
		return nil, err
	}
	var entity struct {
		Keys []struct {
			Use         string `xml:"use,attr"`
			Certificate string `xml:"KeyInfo>X509Data>X509Certificate"`
		} `xml:"SPSSODescriptor>KeyDescriptor"`
	}
	if err := xml.Unmarshal(metadata, &entity); err != nil {
		return nil, err
	}
	var certs []*x509.Certificate
	for _, key := range entity.Keys {
		if key.Use == "encryption" {
			continue
		}
		der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(key.Certificate), ""))
		if err != nil {
			return nil, err
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		certs = append(certs, cert)
	}
	return certs, nil
}
