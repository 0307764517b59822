package identity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"time"

	"github.com/partnergraph/partnergraph/models"
)

// Sign-in attempts within attemptWindow after which RATE_LIMITED is the answer: per login name, so that one password is
// not guessed, and per address, so that one guess is not tried on all names.
const (
	attemptWindow      = 15 * time.Minute
	attemptsPerName    = 20
	attemptsPerAddress = 60
)

// maxPasswordBytes bounds what is hashed for strangers.
const maxPasswordBytes = 512

// VerifyPassword returns the person who signs in with this name and password. It is UNAUTHENTICATED, with one text and
// after the same work, for an unknown name, a wrong password, a disabled person and one without a password; and
// RATE_LIMITED after too many attempts for the name or from the address, whether the name exists or not. A refusal is
// recorded in the audit log.
func (s *Service) VerifyPassword(ctx context.Context, name, password, remoteAddr string) (models.User, error) {
	name = normalLoginName(name)
	if err := s.throttle(ctx, name, remoteAddr); err != nil {
		return models.User{}, err
	}
	if len(password) > maxPasswordBytes {
		password = password[:maxPasswordBytes] + "." // cannot be anybody's any more
	}
	user, found, err := selectUserByLoginName(ctx, s.DB, name)
	if err != nil {
		return models.User{}, err
	}
	hash := ""
	if found && user.State == models.UserActive {
		hash = user.PasswordHash
	}
	right, err := s.Passwords.Matches(ctx, password, hash)
	if err != nil {
		return models.User{}, err
	}
	if right {
		return user, nil
	}
	return models.User{}, s.refuse(ctx, user, remoteAddr)
}

// refuse records the refusal and returns it. The record names a person only by id, and an unknown one not at all.
func (s *Service) refuse(ctx context.Context, user models.User, remoteAddr string) error {
	subject := string(user.ID)
	if subject == "" {
		subject = "unknown"
	}
	anonymous := models.Principal{Kind: models.Anonymous, RemoteAddr: remoteAddr}
	err := s.Events.Record(ctx, s.DB, anonymous, models.Event{
		Type: models.EventSignInRefused, SubjectID: subject, PartnerID: user.PartnerID, CustomerID: user.CustomerID,
		Data: map[string]any{"method": "password"},
	})
	if err != nil {
		return err
	}
	return models.Unauthenticated("The name or the password is wrong.")
}

// throttle counts the attempt. When the counter is out of reach people may still sign in: the cost of a hash and the
// bounded number of parallel ones remain.
func (s *Service) throttle(ctx context.Context, name, remoteAddr string) error {
	if s.Attempts == nil {
		return nil
	}
	digest := sha256.Sum256([]byte(name))
	limits := map[string]int64{"signin:name:" + hex.EncodeToString(digest[:]): attemptsPerName}
	if remoteAddr != "" {
		limits["signin:addr:"+remoteAddr] = attemptsPerAddress
	}
	for key, limit := range limits {
		count, err := s.Attempts.Hit(ctx, key, attemptWindow)
		if err != nil {
			s.Logger.LogAttrs(ctx, slog.LevelWarn, "sign-in attempts are not counted", slog.Any("error", err))
			continue
		}
		if count > limit {
			return models.RateLimited(attemptWindow)
		}
	}
	return nil
}
