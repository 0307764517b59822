package partners

import (
	"context"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// CreatePartner adds a company.
type CreatePartner struct {
	Cloud         string // the cloud it sells: 2 to 32 lower-case letters, digits and -
	Kind          models.PartnerKind
	Name          string              // 1 to 200 characters
	Level         models.PartnerLevel // empty = STANDARD
	ParentID      *models.ID          // a reseller's distributor; nil for the others, and for one that will look for its own (P15)
	Country       string              // ISO 3166-1 alpha-2, upper case
	SigningEntity string              // 1 to 200 characters
	Currency      models.Currency
	ExternalID    string // the cloud's own key, unique per cloud, at most 128 characters; may be empty
}

// Create adds a partner; only operators may. A cloud reseller may be given a distributor of the same cloud and currency that is
// active, and otherwise finds one itself (P15); the others have no parent (P12). Errors: UNAUTHENTICATED, FORBIDDEN, INVALID, NOT_FOUND for an unknown parent,
// PRECONDITION_FAILED with reason PARTNER_RESTRICTED for one that may not win resellers, and CONFLICT with field
// externalId when that is taken.
func (s *Service) Create(ctx context.Context, who models.Principal, cmd CreatePartner) (models.Partner, error) {
	if err := access.Require(who, models.WritePartners); err != nil {
		return models.Partner{}, err
	}
	if !who.SeesAll() {
		return models.Partner{}, models.Forbidden("Only operators create partners.")
	}
	var partner models.Partner
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var err error
		partner, err = s.CreateIn(ctx, tx, who, cmd)
		return err
	})
	return partner, err
}

// CreateIn adds a partner in the caller's transaction, with the checks of Create except those of who.
func (s *Service) CreateIn(ctx context.Context, tx bun.IDB, who models.Principal, cmd CreatePartner) (models.Partner, error) {
	partner, err := cmd.partner()
	if err != nil {
		return models.Partner{}, err
	}
	parent, err := checkParent(ctx, tx, partner)
	if err != nil {
		return models.Partner{}, err
	}
	now := s.now()
	partner.ID, partner.CreatedAt, partner.UpdatedAt = s.IDs(models.PrefixPartner), now, now
	if err := insertRow(ctx, tx, &partner); err != nil {
		if store.Conflicts(err, "partners", "external_id") {
			return models.Partner{}, &models.Error{Code: models.CodeConflict, Field: "externalId", Message: "Another partner of this cloud has this external id."}
		}
		return models.Partner{}, err
	}
	if parent.ID != "" {
		began := s.began(parent, partner, now)
		if err := insertRow(ctx, tx, &began); err != nil {
			return models.Partner{}, err
		}
	}
	return partner, s.Events.Record(ctx, tx, who, models.Event{
		Type: models.EventPartnerCreated, SubjectID: string(partner.ID), PartnerID: partner.ID,
		Data: map[string]any{"kind": partner.Kind, "parentId": partner.ParentID},
	})
}

var (
	cloudCode = regexp.MustCompile(`^[a-z][a-z0-9-]{1,31}$`)
	country   = regexp.MustCompile(`^[A-Z]{2}$`)
)

// partner checks what needs no other row.
func (cmd CreatePartner) partner() (models.Partner, error) {
	p := models.Partner{
		Cloud: cmd.Cloud, Kind: cmd.Kind, Name: strings.TrimSpace(cmd.Name), Level: cmd.Level, State: models.PartnerActive,
		Country: cmd.Country, SigningEntity: strings.TrimSpace(cmd.SigningEntity), Currency: cmd.Currency, ExternalID: cmd.ExternalID,
	}
	if p.Level == "" {
		p.Level = models.LevelStandard
	}
	if cmd.ParentID != nil {
		p.ParentID = *cmd.ParentID
	}
	switch {
	case !cloudCode.MatchString(p.Cloud):
		return p, models.Invalid("cloud", "A cloud's code has 2 to 32 lower-case letters, digits and -.")
	case p.Kind != models.Distributor && p.Kind != models.SolutionProvider && p.Kind != models.CloudReseller:
		return p, models.Invalid("kind", "There is no such kind of partner.")
	case p.Level != models.LevelStandard && p.Level != models.LevelLeading && p.Level != models.LevelCore:
		return p, models.Invalid("level", "There is no such level.")
	case !isText(p.Name, 200):
		return p, models.Invalid("name", "A partner's name has 1 to 200 characters.")
	case !isText(p.SigningEntity, 200):
		return p, models.Invalid("signingEntity", "The signing entity has 1 to 200 characters.")
	case !country.MatchString(p.Country):
		return p, models.Invalid("country", "The country is a code of two capital letters.")
	case !p.Currency.Valid():
		return p, models.Invalid("currency", "The currency must be CNY or USD.")
	case p.ExternalID != "" && (len(p.ExternalID) > 128 || !isText(p.ExternalID, 128)):
		return p, models.Invalid("externalId", "An external id has at most 128 characters.")
	case p.Kind != models.CloudReseller && p.ParentID != "":
		return p, models.Invalid("parentId", "Only a cloud reseller has a distributor above it.")
	}
	if p.ParentID != "" {
		return p, p.ParentID.Require(models.PrefixPartner, "parentId")
	}
	return p, nil
}

func isText(s string, longest int) bool {
	n := utf8.RuneCountInString(s)
	return n >= 1 && n <= longest && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// checkParent holds the distributor until the transaction ends, so that it cannot be restricted meanwhile, and returns it; none without one.
func checkParent(ctx context.Context, tx bun.IDB, partner models.Partner) (models.Partner, error) {
	if partner.ParentID == "" {
		return models.Partner{}, nil
	}
	parent, found, err := lock(ctx, tx, partner.ParentID)
	switch {
	case err != nil:
		return parent, err
	case !found:
		return parent, ErrUnknown
	case parent.Kind != models.Distributor:
		return parent, models.Invalid("parentId", "Only a distributor has cloud resellers.")
	case parent.Cloud != partner.Cloud || parent.Currency != partner.Currency:
		return parent, models.Invalid("parentId", "A cloud reseller and its distributor sell the same cloud in the same currency.")
	case parent.State != models.PartnerActive:
		return parent, models.ErrDistributorBarred
	}
	return parent, nil
}
