// Package mail sends the e-mails that the rooms write: to a mail server by SMTP, or into a folder, for the demo and for
// development. It knows addresses and MIME, not what is in the letters.
package mail
