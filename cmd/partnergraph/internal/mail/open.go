package mail

import (
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/url"
	"time"

	"github.com/partnergraph/partnergraph/sales/customers"
)

// Options say where e-mails go.
type Options struct {
	URL  string // smtp://[user:password@]host[:port], smtps://..., or with Dev file:///folder
	From string // one address, with or without a name
	Dev  bool   // allows a folder, and mail servers without TLS
	Now  func() time.Time
}

// Open returns the mailer for a URL. It connects to nothing yet; the errors name what is wrong, never a password.
func Open(o Options) (customers.Mailer, error) {
	from, err := netmail.ParseAddress(o.From)
	if err != nil {
		return nil, errors.New("setting mail-from: is required with smtp-url, one address such as Sales <sales@example.com>")
	}
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, errors.New("setting smtp-url: this is not a URL")
	}
	compose := composer{from: *from, now: o.Now}
	switch {
	case u.Scheme == "file" && o.Dev && u.Host == "" && u.Path != "":
		return &Folder{dir: u.Path, compose: compose}, nil
	case u.Scheme == "file":
		return nil, errors.New("setting smtp-url: a folder, file:///folder, is for --dev only")
	case u.Scheme != "smtp" && u.Scheme != "smtps", u.Hostname() == "", u.RawQuery != "", u.Path != "" && u.Path != "/":
		return nil, fmt.Errorf("setting smtp-url: %q is not smtp://host:587 or smtps://host:465", u.Redacted())
	}
	port := map[string]string{"smtp": "587", "smtps": "465"}[u.Scheme]
	if u.Port() != "" {
		port = u.Port()
	}
	password, _ := u.User.Password()
	return &SMTP{
		addr: net.JoinHostPort(u.Hostname(), port), host: u.Hostname(), implicit: u.Scheme == "smtps", plain: o.Dev,
		user: u.User.Username(), password: password, compose: compose,
	}, nil
}
