package benefits

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// RequestMDF asks for money of the market development fund.
type RequestMDF struct {
	PartnerID *models.ID      // nil = the caller's own partner
	Amount    decimal.Decimal // above zero, in CNY
	Purpose   string          // 1 to models.MaxMDFPurpose characters
	From      models.Date     // the period's first day
	Until     models.Date     // its last
}

// EditMDF replaces what a request says that was withdrawn.
type EditMDF struct {
	ApplicationID models.ID
	Amount        decimal.Decimal
	Purpose       string
	From          models.Date
	Until         models.Date
}

func mdfUse(amount decimal.Decimal, use models.MarketFundUse, now time.Time) (minor int64, year int, err error) {
	money, err := models.ParseMoney(amount, models.CNY, "amount")
	if err == nil && money.Minor <= 0 {
		err = models.Invalid("amount", "The amount is above zero.")
	}
	if err != nil {
		return 0, 0, err
	}
	year, err = use.Check(now)
	return money.Minor, year, err
}

// RequestMDF asks for a use of the market development fund, which is under review at once (N09). All living requests of a partner and year never
// exceed its cap (N08), however many come at once. The partner itself may, and operators. It needs INCENTIVES_WRITE. Errors: INVALID, NOT_FOUND;
// reasons RESELLER_HAS_NO_BENEFITS, PARTNER_EXPIRED, NO_MDF_CAP, MDF_CAP_EXCEEDED with what is left in the details.
func (s *Service) RequestMDF(ctx context.Context, who models.Principal, cmd RequestMDF) (Changed, error) {
	if err := access.Require(who, models.WriteIncentives); err != nil {
		return Changed{}, err
	}
	now := s.now()
	use := models.MarketFundUse{Purpose: cmd.Purpose, From: cmd.From, Until: cmd.Until}
	minor, year, err := mdfUse(cmd.Amount, use, now)
	if err != nil {
		return Changed{}, err
	}
	row := models.BenefitApplication{
		ID: s.IDs(models.PrefixBenefitApplication), Kind: models.BenefitMDF, Status: models.BenefitReviewing, Year: year, Currency: models.CNY,
		AmountMinor: minor, Details: models.BenefitDetails{MDF: &use}, SubmittedAt: &now, CreatedAt: now, UpdatedAt: now,
	}
	row.Subject = string(row.ID)
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		partner, standing, err := earner(ctx, tx, who, cmd.PartnerID, now)
		if err == nil {
			err = s.fits(ctx, tx, partner, standing, year, minor)
		}
		if err != nil {
			return err
		}
		row.PartnerID = partner.ID
		return s.add(ctx, tx, who, &row, map[string]any{"year": year})
	})
	if err != nil {
		return Changed{}, err
	}
	return Changed{row}, nil
}

// EditMDF replaces what a request says that was withdrawn; it is looked at again when it is submitted. Otherwise as RequestMDF, with the reasons of
// models.BenefitApplication.Move.
func (s *Service) EditMDF(ctx context.Context, who models.Principal, cmd EditMDF) (Changed, error) {
	if err := access.Require(who, models.WriteIncentives); err != nil {
		return Changed{}, err
	}
	use := models.MarketFundUse{Purpose: cmd.Purpose, From: cmd.From, Until: cmd.Until}
	minor, year, err := mdfUse(cmd.Amount, use, s.now())
	if err != nil {
		return Changed{}, err
	}
	return s.move(ctx, who, cmd.ApplicationID, models.MoveEdit, func(_ context.Context, _ bun.IDB, row *models.BenefitApplication, did *changes, _ map[string]any) error {
		if row.Details.MDF == nil {
			return models.ErrBenefitMove
		}
		before := amountText(row.Amount())
		did.add("year", number(row.Year), number(year))
		row.AmountMinor, row.Year = minor, year
		did.add("amount", before, amountText(row.Amount()))
		did.add("from", string(row.Details.MDF.From), string(use.From))
		did.add("until", string(row.Details.MDF.Until), string(use.Until))
		row.Details.MDF = &use
		return nil
	})
}

// fits is nil when a partner's part of the fund suffices for so much more. The partner's standing is locked.
func (s *Service) fits(ctx context.Context, tx bun.IDB, partner models.Partner, standing models.BenefitStanding, year int, minor int64) error {
	if err := notExpired(partner); err != nil {
		return err
	}
	budget, found, err := s.budget(ctx, tx, partner, standing, year)
	switch {
	case err != nil:
		return err
	case !found:
		return models.ErrNoMDF
	case minor > budget.Left().Minor:
		return budget.MDFExceeded()
	}
	return nil
}

func (s *Service) budget(ctx context.Context, db bun.IDB, partner models.Partner, standing models.BenefitStanding, year int) (models.MDFBudget, bool, error) {
	budget := models.MDFBudget{PartnerID: partner.ID, Year: year}
	tags, err := selectLevelTwo(ctx, db, partner.ID)
	if err != nil {
		return budget, false, err
	}
	said, err := selectCaps(ctx, db, year)
	if err != nil {
		return budget, false, err
	}
	limit := models.MDFCapFor(partner, standing, tags, models.MDFCapsOf(year, said))
	if limit == nil {
		return budget, false, nil
	}
	budget.Cap = *limit
	err = addUses(ctx, db, &budget)
	return budget, true, err
}

// Budget says what a partner has of the fund in a year, by default the present one in UTC+8; nil when it has no part of it, and when an operator
// names nobody. It needs INCENTIVES_READ, and is NOT_FOUND for another partner.
func (s *Service) Budget(ctx context.Context, who models.Principal, named *models.ID, year *int) (*models.MDFBudget, error) {
	partner, standing, err := s.reading(ctx, who, named)
	if err != nil || partner.ID == "" {
		return nil, err
	}
	of, err := s.year(year)
	if err != nil {
		return nil, err
	}
	budget, found, err := s.budget(ctx, s.DB, partner, standing, of)
	if err != nil || !found {
		return nil, err
	}
	return &budget, nil
}

// Caps returns the caps of a year, by default the present one, by class (N08). It needs INCENTIVES_READ.
func (s *Service) Caps(ctx context.Context, who models.Principal, year *int) ([]models.MDFCap, error) {
	if err := access.Require(who, models.ReadIncentives); err != nil {
		return nil, err
	}
	of, err := s.year(year)
	if err != nil {
		return nil, err
	}
	said, err := selectCaps(ctx, s.DB, of)
	return models.MDFCapsOf(of, said), err
}

func (s *Service) year(given *int) (int, error) {
	if given == nil {
		return models.BenefitYear(s.now()), nil
	}
	return *given, checkYear(*given)
}

func checkYear(year int) error {
	if year < 2020 || year > 2099 {
		return models.Invalid("year", "A year is from 2020 to 2099.")
	}
	return nil
}

// SetMDFCap says the most that partners of a class may have in a year.
type SetMDFCap struct {
	Year    int // 2020 to 2099
	Class   models.MDFClass
	TagCode *string         // of level 2; for SERVICE_TAG only, and required there
	Amount  decimal.Decimal // in CNY, zero or more
	Source  string          // where it is written, 1 to 200 characters
}

// MDFCapSet is a cap as it is after the operation.
type MDFCapSet struct {
	MDFCap models.MDFCap
}

// SetMDFCap replaces the cap of a class and year, by default that of models.DefaultMDFCaps (N08). What was approved stays, also above a cap that was
// lowered. Operators with BENEFITS_REVIEW only. Errors: INVALID, NOT_FOUND for a tag.
func (s *Service) SetMDFCap(ctx context.Context, who models.Principal, cmd SetMDFCap) (MDFCapSet, error) {
	if err := mayReview(who); err != nil {
		return MDFCapSet{}, err
	}
	row, err := cmd.row()
	if err != nil {
		return MDFCapSet{}, err
	}
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if row.TagCode != "" {
			tag, found, err := selectTag(ctx, tx, row.TagCode)
			switch {
			case err != nil:
				return err
			case !found:
				return ErrTagUnknown
			case tag.Level != 2:
				return models.Invalid("tagCode", "Tags of level 2 have a part of the fund.")
			}
		}
		said, err := selectCaps(ctx, tx, row.Year)
		if err != nil {
			return err
		}
		var did changes
		before, source := "", ""
		for _, was := range models.MDFCapsOf(row.Year, said) {
			if was.Class == row.Class && was.TagCode == row.TagCode {
				limit := was.Cap()
				before, source = amountText(&limit), was.Source
			}
		}
		limit := row.Cap()
		did.add("cap", before, amountText(&limit))
		did.add("source", source, row.Source)
		if len(did) == 0 {
			return nil
		}
		if err := upsertCap(ctx, tx, &row); err != nil {
			return err
		}
		return s.Events.Record(ctx, tx, who, models.Event{
			Type: models.EventMDFCapSet, SubjectID: fmt.Sprintf("%d %s %s", row.Year, row.Class, row.TagCode), Fields: did.fields(), Changes: did,
			Data: map[string]any{"year": row.Year, "class": row.Class},
		})
	})
	return MDFCapSet{row}, err
}

func (cmd SetMDFCap) row() (models.MDFCap, error) {
	row := models.MDFCap{Year: cmd.Year, Class: cmd.Class, TagCode: text(cmd.TagCode), Source: cmd.Source}
	if err := checkYear(cmd.Year); err != nil {
		return row, err
	}
	switch {
	case !cmd.Class.Valid():
		return row, models.Invalid("class", "There is no such class.")
	case (cmd.Class == models.MDFServiceTag) != (cmd.TagCode != nil):
		return row, models.Invalid("tagCode", "SERVICE_TAG names a tag of level 2, and no other class does.")
	}
	if err := models.CheckText(cmd.Source, "source", 200, false); err != nil {
		return row, err
	}
	money, err := models.ParseMoney(cmd.Amount, models.CNY, "amount")
	if err == nil && money.Minor < 0 {
		err = models.Invalid("amount", "The cap is zero or more.")
	}
	row.CapMinor = money.Minor
	return row, err
}
