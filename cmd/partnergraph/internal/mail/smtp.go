package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"net/textproto"
	"time"

	"github.com/partnergraph/partnergraph/sales/customers"
)

// patience is how long one e-mail may take, unless the caller's context ends sooner.
const patience = 30 * time.Second

// errPlain refuses to send a password and people's addresses in the clear.
var errPlain = errors.New("mail server: it does not offer STARTTLS")

// SMTP hands e-mails to one mail server, each over a connection of its own. It is safe for concurrent use.
type SMTP struct {
	addr, host     string
	implicit       bool // TLS from the first byte
	plain          bool // go on without TLS where the server has none
	user, password string
	compose        composer
	roots          *tls.Config // nil = the system's; for tests
}

var _ customers.Mailer = (*SMTP)(nil)

// Send hands an e-mail over. A recipient or a message that the server refuses for good, with a 5xx, is ErrMailRefused;
// everything else may be tried again.
func (s *SMTP) Send(ctx context.Context, m customers.Mail) error {
	raw, to, err := s.compose.message(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := s.dial(ctx)
	if err != nil {
		return fmt.Errorf("mail server: %w", err)
	}
	// The library knows no context: its end closes the connection.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	client, err := smtp.NewClient(conn, s.host)
	if err != nil {
		return errors.Join(failed("greeting", err), conn.Close())
	}
	defer func() { _ = client.Close() }()
	if err := s.greet(client); err != nil {
		return err
	}
	if err := client.Mail(s.compose.from.Address); err != nil {
		return failed("sender", err)
	}
	if err := client.Rcpt(to); err != nil {
		return final(err)
	}
	body, err := client.Data()
	if err != nil {
		return final(err)
	}
	if _, err := body.Write(raw); err != nil {
		return fmt.Errorf("mail server: %w", err)
	}
	if err := body.Close(); err != nil {
		return final(err)
	}
	_ = client.Quit() // the server has taken it; how it says goodbye changes nothing
	return nil
}

func (s *SMTP) dial(ctx context.Context) (net.Conn, error) {
	if s.implicit {
		return (&tls.Dialer{Config: s.tls()}).DialContext(ctx, "tcp", s.addr)
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", s.addr)
}

// greet says hello, changes to TLS and signs in.
func (s *SMTP) greet(client *smtp.Client) error {
	if !s.implicit {
		offered, _ := client.Extension("STARTTLS")
		switch {
		case offered:
			if err := client.StartTLS(s.tls()); err != nil {
				return failed("STARTTLS", err)
			}
		case !s.plain:
			return errPlain
		}
	}
	if s.user == "" {
		return nil
	}
	if err := client.Auth(smtp.PlainAuth("", s.user, s.password, s.host)); err != nil {
		return failed("sign-in", err)
	}
	return nil
}

func (s *SMTP) tls() *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: s.host}
	if s.roots != nil {
		config.RootCAs = s.roots.RootCAs
	}
	return config
}

// final tells what the server will never take from what it does not take now.
func final(err error) error {
	var answer *textproto.Error
	if errors.As(err, &answer) && answer.Code >= 500 && answer.Code < 600 {
		return fmt.Errorf("%w: %d", customers.ErrMailRefused, answer.Code)
	}
	return failed("e-mail", err)
}

// failed keeps of a server's answer its number alone: the words, which end up in the log, may name the recipient.
func failed(what string, err error) error {
	var answer *textproto.Error
	if errors.As(err, &answer) {
		return fmt.Errorf("mail server: %s: answer %d", what, answer.Code)
	}
	return fmt.Errorf("mail server: %s: %w", what, err)
}
