package catalog

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// ProductCode is one of the four codes that name a product (K04).
type ProductCode string

// The codes.
const (
	CodeServiceType  ProductCode = "SERVICE_TYPE"
	CodeResourceType ProductCode = "RESOURCE_TYPE"
	CodeRegion       ProductCode = "REGION"
	CodeSpec         ProductCode = "SPEC_CODE"
)

// Problem says why one product of an inquiry has no price.
type Problem struct {
	ProductID string        // the caller's id of it
	Code      models.Code   // PRECONDITION_FAILED, or INVALID for what a resource renews by
	Reason    string        // PRODUCT_NOT_FOUND, PRICE_NOT_FOUND, MEASURE_UNKNOWN, RESOURCE_NOT_FOUND, RESOURCE_NOT_RENEWABLE, or why a resource does not turn
	Message   string        // for people
	Wrong     []ProductCode // of PRODUCT_NOT_FOUND: which of the four codes are wrong; empty when only their combination is

	err error
}

// explain puts the problems of rating into words. It asks the catalogue once for all of them which codes exist at all.
func (s *Service) explain(ctx context.Context, db bun.IDB, quote models.Quote, problems []Problem) ([]Problem, error) {
	known, err := s.known(ctx, db, quote)
	if err != nil {
		return nil, err
	}
	for i := range problems {
		p := &problems[i]
		at := slices.IndexFunc(quote.Lines, func(l models.QuoteLine) bool { return l.ID == p.ProductID })
		charge := quote.Lines[at].Charge
		p.Code = models.CodePreconditionFailed
		switch {
		case errors.Is(p.err, errNoSpec):
			p.Reason, p.Wrong = "PRODUCT_NOT_FOUND", known.wrong(charge)
			p.Message = notFoundText(p.Wrong)
		case errors.Is(p.err, errNoZone):
			p.Reason, p.Message = "PRODUCT_NOT_FOUND", "The product is not sold in this availability zone."
		case errors.Is(p.err, errNoPrice):
			p.Reason, p.Message = "PRICE_NOT_FOUND", noPriceText(charge)
		default:
			p.Code, p.Reason, p.Message = models.CodeOf(p.err), models.ReasonOf(p.err), p.err.Error()
		}
	}
	return problems, nil
}

func notFoundText(wrong []ProductCode) string {
	if len(wrong) == 0 {
		return "The four codes exist, but there is no such product in this region."
	}
	words := map[ProductCode]string{
		CodeServiceType: "the service type", CodeResourceType: "the resource type", CodeRegion: "the region", CodeSpec: "the specification code",
	}
	named := make([]string, len(wrong))
	for i, code := range wrong {
		named[i] = words[code]
	}
	return "Product not found: check " + strings.Join(named, ", ") + "."
}

func noPriceText(c models.Charge) string {
	size := "per piece; give no size"
	if c.Size != nil {
		size = "per size; is it sold by the piece?"
	}
	if c.OnDemand() {
		return "The product has no price on demand for this type of use in " + string(c.Currency) + " " + size
	}
	return "The product has no price per " + strings.ToLower(string(c.PeriodType)) + " in " + string(c.Currency) + " " + size
}

// known says which codes of an inquiry the version has.
type known struct {
	services, regions map[string]bool
	resources         map[string]string   // the service type that each belongs to
	specs             map[string][]string // the resource types that each belongs to
}

func (s *Service) known(ctx context.Context, db bun.IDB, quote models.Quote) (known, error) {
	k := known{services: map[string]bool{}, regions: map[string]bool{}, resources: map[string]string{}, specs: map[string][]string{}}
	var services, resources, regions, specs []string
	for _, l := range quote.Lines {
		services, resources = append(services, l.ServiceType), append(resources, l.ResourceType)
		regions, specs = append(regions, l.Region), append(specs, l.SpecCode)
	}
	version := quote.CatalogueVersion
	serviceRows, err := selectOf[models.ServiceType](ctx, db, version, "code", services)
	if err != nil {
		return k, err
	}
	resourceRows, err := selectOf[models.ResourceType](ctx, db, version, "code", resources)
	if err != nil {
		return k, err
	}
	regionRows, err := selectOf[models.Region](ctx, db, version, "code", regions)
	if err != nil {
		return k, err
	}
	specRows, err := selectOf[models.Specification](ctx, db, version, "code", specs)
	for _, row := range serviceRows {
		k.services[row.Code] = true
	}
	for _, row := range resourceRows {
		k.resources[row.Code] = row.ServiceType
	}
	for _, row := range regionRows {
		k.regions[row.Code] = true
	}
	for _, row := range specRows {
		k.specs[row.Code] = append(k.specs[row.Code], row.ResourceType)
	}
	return k, err
}

// wrong returns which of a charge's codes do not exist, or do not belong to the one above them.
func (k known) wrong(c models.Charge) []ProductCode {
	wrong := []ProductCode{}
	if !k.services[c.ServiceType] {
		wrong = append(wrong, CodeServiceType)
	}
	service, exists := k.resources[c.ResourceType]
	if !exists || k.services[c.ServiceType] && service != c.ServiceType {
		wrong = append(wrong, CodeResourceType)
	}
	if !k.regions[c.Region] {
		wrong = append(wrong, CodeRegion)
	}
	if of := k.specs[c.SpecCode]; len(of) == 0 || exists && !slices.Contains(of, c.ResourceType) {
		wrong = append(wrong, CodeSpec)
	}
	return wrong
}

// CodeText returns Code as the API writes it.
func (p Problem) CodeText() string { return string(p.Code) }
