package companies

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/catalog"
)

// Record is what one line says of a company, checked. Ids, times and the load are still to be given.
type Record struct {
	Company    models.Company
	Relations  []models.CompanyRelation
	Financings []models.FinancingRound
	Offerings  []models.CompanyOffering
	Rankings   []models.CompanyRanking
	Rights     []models.IntellectualProperty
}

// ParseRecord reads one line; number is the line's, from 1, and today the latest day that there is anywhere. The error is INVALID and names the path.
func ParseRecord(line []byte, number int, today models.Date) (Record, error) {
	if len(line) > MaxLineBytes {
		return Record{}, models.Invalid("", fmt.Sprintf("A line has at most %d bytes.", MaxLineBytes))
	}
	var entry record
	if err := catalog.DecodeLine(line, number, &entry); err != nil {
		return Record{}, err
	}
	r := &reader{today: today}
	parsed := r.record(&entry)
	if r.err != nil {
		return Record{}, r.err
	}
	var err error
	parsed.Company.ContentHash, err = hashOf(entry)
	return parsed, err
}

// hashOf tells contents apart, however they are laid out. What is empty is left out, so that a field that comes later makes no record another one.
func hashOf(entry record) (string, error) {
	text, err := json.Marshal(entry)
	if err != nil {
		return "", err
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return "", err
	}
	if text, err = json.Marshal(withoutEmpty(value)); err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

func withoutEmpty(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			member = withoutEmpty(member)
			if list, ok := member.([]any); member == nil || member == "" || name == "revision" && member == 0.0 || ok && len(list) == 0 {
				delete(value, name)
				continue
			}
			value[name] = member
		}
	case []any:
		for i := range value {
			value[i] = withoutEmpty(value[i])
		}
	}
	return value
}

// reader checks the fields of an entry and keeps the first fault. Texts are trimmed in place, so that the hash does not depend on spaces.
type reader struct {
	today models.Date
	err   error
}

func (r *reader) record(entry *record) Record {
	of, err := models.ParseRegistration(entry.Country, entry.RegistrationNumber)
	r.keep(err)
	entry.Country, entry.RegistrationNumber = of.Country, of.Number
	c := models.Company{
		Key: of.Key(), Country: of.Country, RegistrationNumber: of.Number,
		Source: r.text("source", &entry.Source, maxText, true), AsOf: r.day("asOf", entry.AsOf, true), Revision: entry.Revision,
		Name: r.text("name", &entry.Name, maxText, true), NameEn: r.text("nameEn", &entry.NameEn, maxText, false),
		FormerNames: r.texts("formerNames", entry.FormerNames, maxNames), Status: oneOf(r, "status", entry.Status, models.CompanyStatuses(), true),
		LegalRepresentative: r.text("legalRepresentative", &entry.LegalRepresentative, maxText, false), Founded: r.day("founded", entry.Founded, false),
		Industry: r.text("industry", &entry.Industry, maxText, false), Region: r.text("region", &entry.Region, maxText, false),
		Size: oneOf(r, "size", entry.Size, models.CompanySizes(), false), Website: r.address("website", entry.Website), CloudProviders: []string{},
	}
	c.CapitalAmount, c.CapitalCurrency = r.amount("registeredCapital", entry.RegisteredCapital)
	switch {
	case entry.Revision < 0 || entry.Revision > maxRevision:
		r.refuse("revision", fmt.Sprintf("it is a whole number from 0 to %d", maxRevision))
	case models.CompanyText(c.Name) == "":
		r.refuse("name", "it has no letter")
	case c.AsOf > r.today:
		r.refuse("asOf", "the day is still to come")
	}
	if entry.Cloud != nil {
		c.WalletThickness = oneOf(r, "cloud.walletThickness", entry.Cloud.WalletThickness, models.WalletBands(), false)
		c.CloudActivity = oneOf(r, "cloud.activity", entry.Cloud.Activity, models.CloudActivities(), false)
		c.CloudProviders = r.texts("cloud.providers", entry.Cloud.Providers, maxNames)
		c.CloudURL = r.address("cloud.url", entry.Cloud.URL)
	}
	parsed := Record{Company: c, Relations: r.relations(of, c, entry.Relations)}
	r.development(&parsed, entry)
	if entry.Intellectual != nil {
		r.rights(&parsed, entry.Intellectual)
	}
	return parsed
}

func (r *reader) relations(of models.Registration, c models.Company, entries []relation) []models.CompanyRelation {
	r.count("relations", len(entries), maxRelations)
	var all []models.CompanyRelation
	for i := range entries {
		if r.err != nil {
			return nil
		}
		all = append(all, r.relation(fmt.Sprintf("relations[%d].", i), of, c, &entries[i]))
	}
	return all
}

// relation turns what the other company is to this one into a relation from one to the other.
func (r *reader) relation(at string, of models.Registration, c models.Company, entry *relation) models.CompanyRelation {
	name := r.text(at+"name", &entry.Name, maxText, true)
	var party models.Registration
	if entry.RegistrationNumber != "" || entry.Country != "" {
		if entry.Country == "" {
			entry.Country = of.Country
		}
		var err error
		party, err = models.ParseRegistration(entry.Country, entry.RegistrationNumber)
		r.keep(below(at, err))
		entry.Country, entry.RegistrationNumber = party.Country, party.Number
	}
	one := models.CompanyRelation{
		Since: r.day(at+"since", entry.Since, false), Until: r.day(at+"until", entry.Until, false), ShareText: r.share(at, entry), Source: c.Source, AsOf: c.AsOf,
	}
	other := models.PartyKey(of, party, name)
	switch {
	case other == of.Key():
		r.refuse(at+"registrationNumber", "a company is not related to itself")
	case party.Number == "" && models.CompanyKey(name) == "":
		r.refuse(at+"name", "it has no letter")
	case one.Since != "" && one.Until != "" && one.Until <= one.Since:
		r.refuse(at+"until", "it ends before it begins")
	}
	from := func() { one.FromKey, one.FromName, one.ToKey, one.ToName = c.Key, c.Name, other, name }
	to := func() { one.FromKey, one.FromName, one.ToKey, one.ToName = other, name, c.Key, c.Name }
	switch entry.Kind {
	case "PARENT":
		one.Kind = models.RelationSubsidiary
		to()
	case "SUBSIDIARY":
		one.Kind = models.RelationSubsidiary
		from()
	case "HEAD_OFFICE":
		one.Kind = models.RelationBranch
		to()
	case "BRANCH":
		one.Kind = models.RelationBranch
		from()
	case "SHAREHOLDER":
		one.Kind = models.RelationHolding
		to()
	case "INVESTMENT":
		one.Kind = models.RelationHolding
		from()
	case "OFFICER":
		one.Kind = models.RelationOfficer
		if c.Key < other { // neither comes first: what both records say is to be the same
			from()
		} else {
			to()
		}
	default:
		r.refuse(at+"kind", "it is one of PARENT, SUBSIDIARY, HEAD_OFFICE, BRANCH, SHAREHOLDER, INVESTMENT and OFFICER")
	}
	return one
}

var hundred = decimal.NewFromInt(100)

func (r *reader) share(at string, entry *relation) string {
	if entry.Share == "" {
		return ""
	}
	share, ok := plain(entry.Share)
	switch {
	case entry.Kind != "SHAREHOLDER" && entry.Kind != "INVESTMENT":
		r.refuse(at+"share", "a share is held by a SHAREHOLDER or in an INVESTMENT")
	case !ok || share.IsNegative() || share.GreaterThan(hundred):
		r.refuse(at+"share", "it is a decimal from 0 to 100 with at most 10 fraction digits, per cent")
	}
	entry.Share = share.String()
	return entry.Share
}

func (r *reader) development(into *Record, entry *record) {
	r.count("financingRounds", len(entry.FinancingRounds), maxFinancings)
	r.count("products", len(entry.Products), maxOfferings)
	r.count("brands", len(entry.Brands), maxOfferings)
	r.count("rankings", len(entry.Rankings), maxRankings)
	for i := range entry.FinancingRounds {
		one, at := &entry.FinancingRounds[i], fmt.Sprintf("financingRounds[%d].", i)
		row := models.FinancingRound{
			Round: r.text(at+"round", &one.Round, maxText, true), On: r.day(at+"on", one.On, false), Investors: r.texts(at+"investors", one.Investors, maxInvestors),
		}
		row.AmountText, row.AmountMoney = r.amount(at+"amount", one.Amount)
		into.Financings = append(into.Financings, row)
	}
	into.Offerings = append(r.offerings("products", models.OfferingProduct, entry.Products), r.offerings("brands", models.OfferingBrand, entry.Brands)...)
	for i := range entry.Rankings {
		one, at := &entry.Rankings[i], fmt.Sprintf("rankings[%d].", i)
		if one.Place < 0 {
			r.refuse(at+"place", "places count from 1")
		}
		into.Rankings = append(into.Rankings, models.CompanyRanking{
			Name: r.text(at+"name", &one.Name, maxText, true), Place: one.Place, On: r.day(at+"on", one.On, false),
		})
	}
}

func (r *reader) offerings(field string, kind models.OfferingKind, entries []offering) (all []models.CompanyOffering) {
	for i := range entries {
		one, at := &entries[i], fmt.Sprintf("%s[%d].", field, i)
		all = append(all, models.CompanyOffering{
			Kind: kind, Name: r.text(at+"name", &one.Name, maxText, true), Description: r.text(at+"description", &one.Description, maxDescription, false),
		})
	}
	return all
}

func (r *reader) rights(into *Record, entry *rights) {
	c := &into.Company
	c.PatentCount, c.TrademarkCount, c.SoftwareCount = entry.Patents, entry.Trademarks, entry.SoftwareCopyrights
	for field, count := range map[string]*int{"patents": entry.Patents, "trademarks": entry.Trademarks, "softwareCopyrights": entry.SoftwareCopyrights} {
		if count != nil && *count < 0 {
			r.refuse("intellectualProperty."+field, "it is a number from 0")
		}
	}
	r.count("intellectualProperty.list", len(entry.List), maxRights)
	kinds := []models.IntellectualPropertyKind{models.RightPatent, models.RightTrademark, models.RightSoftware}
	for i := range entry.List {
		one, at := &entry.List[i], fmt.Sprintf("intellectualProperty.list[%d].", i)
		into.Rights = append(into.Rights, models.IntellectualProperty{
			Kind: oneOf(r, at+"kind", one.Kind, kinds, true), Title: r.text(at+"title", &one.Title, maxText, true),
			Number: r.text(at+"number", &one.Number, maxText, false), On: r.day(at+"on", one.On, false),
		})
	}
}

func (r *reader) keep(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *reader) refuse(field, what string) {
	r.keep(models.Invalid(field, field+": "+what+"."))
}

// below says of an error that its field is part of another one.
func below(at string, err error) error {
	if e := models.AsError(err); e != nil {
		return models.Invalid(at+e.Field, e.Message)
	}
	return err
}

func (r *reader) count(field string, n, most int) {
	if n > most {
		r.refuse(field, fmt.Sprintf("it has more than %d entries", most))
	}
}

func (r *reader) text(field string, value *string, most int, required bool) string {
	*value = strings.TrimSpace(*value)
	switch {
	case *value == "" && required:
		r.refuse(field, "it is missing")
	case utf8.RuneCountInString(*value) > most:
		r.refuse(field, fmt.Sprintf("it has more than %d characters", most))
	case strings.ContainsFunc(*value, unicode.IsControl):
		r.refuse(field, "it has control characters")
	}
	return *value
}

func (r *reader) texts(field string, values []string, most int) []string {
	r.count(field, len(values), most)
	all := []string{}
	for i := range values {
		all = append(all, r.text(fmt.Sprintf("%s[%d]", field, i), &values[i], maxText, true))
	}
	return all
}

func (r *reader) day(field, text string, required bool) models.Date {
	if text == "" && !required {
		return ""
	}
	day, err := models.ParseDate(text, field)
	if err != nil {
		r.refuse(field, "it is a day such as 2026-11-21")
	}
	return day
}

var currencyCode = regexp.MustCompile(`^[A-Z]{3}$`)

// maxAmount bounds what a company may be worth.
var maxAmount = decimal.New(1, 18)

func (r *reader) amount(field string, value *amount) (text, currency string) {
	if value == nil {
		return "", ""
	}
	sum, ok := plain(value.Amount)
	switch {
	case !ok || sum.IsNegative() || sum.GreaterThan(maxAmount):
		r.refuse(field+".amount", "it is a decimal from 0 to 10^18 with at most 10 fraction digits")
	case !currencyCode.MatchString(value.Currency):
		r.refuse(field+".currency", "it is three capitals of ISO 4217")
	}
	value.Amount = sum.String()
	return value.Amount, value.Currency
}

var plainDecimal = regexp.MustCompile(`^-?[0-9]{1,20}(\.[0-9]{1,10})?$`)

func plain(text string) (decimal.Decimal, bool) {
	if !plainDecimal.MatchString(text) {
		return decimal.Zero, false
	}
	value, err := decimal.NewFromString(text)
	return value, err == nil
}

func (r *reader) address(field, text string) string {
	secure := text
	if rest, ok := strings.CutPrefix(text, "http://"); ok { // a register names what a company had printed
		secure = "https://" + rest
	}
	if text != "" && models.CheckWebURL(secure, field, false) != nil {
		r.refuse(field, "it is an http or https address")
	}
	return text
}

func oneOf[T ~string](r *reader, field, text string, from []T, required bool) T {
	if text == "" && !required {
		return ""
	}
	if !slices.Contains(from, T(text)) {
		r.refuse(field, fmt.Sprintf("it is one of %v", from))
	}
	return T(text)
}

// spelled is a number or a country as records have it.
func spelled(text string) string { return strings.ToUpper(strings.Join(strings.Fields(text), "")) }

// latest is the day that it is by now where days begin first.
func latest(now time.Time) models.Date { return models.DateOf(now.Add(14 * time.Hour)) }
