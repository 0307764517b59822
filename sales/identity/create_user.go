package identity

import (
	"context"
	"regexp"
	"strings"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// CreateUser makes a person: a partner's member, a customer's user or, with neither id, one of the caller's own
// organisation.
type CreateUser struct {
	PartnerID   *models.ID
	CustomerID  *models.ID
	LoginName   string              // unique; letters are lowered
	Password    *string             // nil = signs in through a partner platform only (2.5)
	Permissions []models.Permission // nil = all that the kind of person may have and the caller has
	// VendorPassword is set by whoever has applied the vendor's rule for passwords that partners set (3.2), in place of this room's.
	VendorPassword bool
	// AskedBy is whom the audit record names, where the server makes the person because somebody has asked for something else; nil = who makes it.
	AskedBy *models.Principal
}

// CreateUser creates the person. Errors: UNAUTHENTICATED, FORBIDDEN without KEYS_MANAGE or for another organisation,
// NOT_FOUND for an unknown owner, INVALID, and CONFLICT with field loginName when the name is taken.
func (s *Service) CreateUser(ctx context.Context, who models.Principal, cmd CreateUser) (models.User, error) {
	if err := access.Require(who, models.ManageKeys); err != nil {
		return models.User{}, err
	}
	prepared, err := s.prepareUser(ctx, cmd)
	if err != nil {
		return models.User{}, err
	}
	var user models.User
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var err error
		user, err = s.insertPrepared(ctx, tx, who, cmd, prepared)
		return err
	})
	return user, err
}

// CreateUserIn creates the person in the caller's transaction. The owner and the permissions are checked against who as
// in CreateUser, but not KEYS_MANAGE: the first login creates a customer's user in the name of the system.
func (s *Service) CreateUserIn(ctx context.Context, tx bun.IDB, who models.Principal, cmd CreateUser) (models.User, error) {
	prepared, err := s.prepareUser(ctx, cmd)
	if err != nil {
		return models.User{}, err
	}
	return s.insertPrepared(ctx, tx, who, cmd, prepared)
}

// prepareUser checks what needs no database and hashes the password, so that no transaction waits for that.
func (s *Service) prepareUser(ctx context.Context, cmd CreateUser) (models.User, error) {
	user := models.User{LoginName: normalLoginName(cmd.LoginName), State: models.UserActive}
	if !loginName.MatchString(user.LoginName) {
		return models.User{}, models.Invalid("loginName", "A login name has 3 to 128 letters, digits and . _ @ + -, and starts with a letter, a digit, _ or -.")
	}
	if cmd.Password == nil {
		return user, nil
	}
	if !cmd.VendorPassword {
		if err := checkPassword(*cmd.Password, user.LoginName, "password"); err != nil {
			return models.User{}, err
		}
	}
	hash, err := s.Passwords.Hash(ctx, *cmd.Password)
	user.PasswordHash = hash
	return user, err
}

func (s *Service) insertPrepared(ctx context.Context, tx bun.IDB, who models.Principal, cmd CreateUser, user models.User) (models.User, error) {
	owner, err := ownerOf(ctx, tx, who, cmd.PartnerID, cmd.CustomerID)
	if err != nil {
		return models.User{}, err
	}
	now := s.now()
	user.ID, user.CreatedAt, user.UpdatedAt = s.IDs(models.PrefixUser), now, now
	user.Kind, user.PartnerID, user.CustomerID = owner.kind(true), owner.partnerID, owner.customerID
	possible := models.DefaultPermissions(user.Kind, owner.partnerKind)
	if user.Permissions, err = grant(who, possible, cmd.Permissions, "permissions"); err != nil {
		return models.User{}, err
	}
	if err := insertUser(ctx, tx, &user); err != nil {
		if store.Conflicts(err, "users", "login_name") {
			return models.User{}, &models.Error{Code: models.CodeConflict, Field: "loginName", Message: "This login name is taken."}
		}
		return models.User{}, err
	}
	if cmd.AskedBy != nil {
		who = *cmd.AskedBy
	}
	return user, s.Events.Record(ctx, tx, who, models.Event{
		Type: models.EventUserCreated, SubjectID: string(user.ID), PartnerID: user.PartnerID, CustomerID: user.CustomerID,
		Data: map[string]any{"kind": user.Kind, "hasPassword": user.PasswordHash != ""},
	})
}

// loginName is wider than an account name (3.2), so that a customer's account name can be its first user's login name.
var loginName = regexp.MustCompile(`^[a-z0-9_-][a-z0-9._@+-]{2,127}$`)

func normalLoginName(name string) string { return strings.ToLower(strings.TrimSpace(name)) }
