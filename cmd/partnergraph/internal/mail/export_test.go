package mail

import (
	"crypto/tls"
	"crypto/x509"

	"github.com/partnergraph/partnergraph/sales/customers"
)

// Trust lets an SMTP mailer believe a test's own certificates.
func Trust(mailer customers.Mailer, roots *x509.CertPool) {
	if s, ok := mailer.(*SMTP); ok {
		s.roots = &tls.Config{RootCAs: roots}
	}
}
