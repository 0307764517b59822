package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/partnergraph/partnergraph/models"
)

// maxAttributes bounds the mapping of one service provider.
const maxAttributes = 32

// providerChange is one field's new value.
type providerChange struct {
	field string // in API spelling, for the audit record
	apply func(*models.ServiceProvider)
}

// checkProvider checks every input but the metadata and collects what it would change.
func (s *Service) checkProvider(cmd UpdateServiceProvider) ([]providerChange, error) {
	var changes []providerChange
	add := func(field string, apply func(*models.ServiceProvider)) {
		changes = append(changes, providerChange{field, apply})
	}
	if cmd.Name != nil {
		name := strings.TrimSpace(*cmd.Name)
		if !isText(name, 128) {
			return nil, models.Invalid("name", "A service provider's name has 1 to 128 characters.")
		}
		add("name", func(p *models.ServiceProvider) { p.Name = name })
	}
	if cmd.BPID != nil {
		if *cmd.BPID != "" && !isText(*cmd.BPID, 64) {
			return nil, models.Invalid("bpId", "A bpId has at most 64 characters.")
		}
		add("bpId", func(p *models.ServiceProvider) { p.BPID = *cmd.BPID })
	}
	if cmd.LoginURL != nil {
		if *cmd.LoginURL != "" {
			if err := models.CheckWebURL(*cmd.LoginURL, "loginUrl", s.Dev); err != nil {
				return nil, err
			}
		}
		add("loginUrl", func(p *models.ServiceProvider) { p.LoginURL = *cmd.LoginURL })
	}
	if cmd.IDPInitiated != nil {
		add("idpInitiated", func(p *models.ServiceProvider) { p.IDPInitiated = *cmd.IDPInitiated })
	}
	if cmd.Attributes != nil {
		if err := checkAttributes(cmd.Attributes); err != nil {
			return nil, err
		}
		add("attributes", func(p *models.ServiceProvider) { p.Attributes = cmd.Attributes })
	}
	return checkChoices(cmd, changes)
}

// checkChoices adds the fields that are one of a few words.
func checkChoices(cmd UpdateServiceProvider, changes []providerChange) ([]providerChange, error) {
	var err error
	changes, err = choice(changes, err, "nameIdFormat", cmd.NameIDFormat, func(p *models.ServiceProvider) *models.NameIDFormat { return &p.NameIDFormat },
		models.NameIDPersistent, models.NameIDTransient)
	changes, err = choice(changes, err, "encryption", cmd.Encryption, func(p *models.ServiceProvider) *models.AssertionEncryption { return &p.Encryption },
		models.EncryptAuto, models.EncryptAlways, models.EncryptNever)
	changes, err = choice(changes, err, "signatureAlgorithm", cmd.SignatureAlgorithm,
		func(p *models.ServiceProvider) *models.SignatureAlgorithm { return &p.SignatureAlgorithm }, models.SignRSASHA256, models.SignECDSASHA256)
	return choice(changes, err, "state", cmd.State, func(p *models.ServiceProvider) *models.ServiceProviderState { return &p.State },
		models.ServiceProviderEnabled, models.ServiceProviderDisabled)
}

func choice[T ~string](changes []providerChange, err error, field string, value *T, place func(*models.ServiceProvider) *T, words ...T) ([]providerChange, error) {
	switch {
	case err != nil || value == nil:
		return changes, err
	case !slices.Contains(words, *value):
		return nil, models.Invalid(field, fmt.Sprintf("%s is one of %v.", field, words))
	}
	return append(changes, providerChange{field, func(p *models.ServiceProvider) { *place(p) = *value }}), nil
}

func checkAttributes(list []models.ServiceProviderAttribute) error {
	if len(list) > maxAttributes {
		return models.Invalid("attributes", fmt.Sprintf("At most %d attributes.", maxAttributes))
	}
	seen := map[string]bool{}
	for _, attribute := range list {
		switch {
		case !isText(attribute.Name, 256) || strings.ContainsFunc(attribute.Name, unicode.IsSpace):
			return models.Invalid("attributes", "An attribute's name has 1 to 256 characters and no blanks.")
		case seen[attribute.Name]:
			return models.Invalid("attributes", "The attribute "+attribute.Name+" is named twice.")
		case !slices.Contains(sources(), attribute.Source):
			return models.Invalid("attributes", "There is no such source.")
		case attribute.Name == models.AttributeSubjectID && attribute.Source != models.SourceSubjectID,
			attribute.Name == models.AttributePairwiseID && attribute.Source != models.SourceScopedPairwiseID:
			return models.Invalid("attributes", "subject-id is filled with SUBJECT_ID and pairwise-id with SCOPED_PAIRWISE_ID, nothing else.")
		}
		seen[attribute.Name] = true
	}
	return nil
}

func sources() []models.AttributeSource {
	return []models.AttributeSource{
		models.SourceUserID, models.SourceAccountID, models.SourceBPID, models.SourceName, models.SourceEmail, models.SourceMobile,
		models.SourceLoginName, models.SourcePairwiseID, models.SourceSubjectID, models.SourceScopedPairwiseID,
	}
}

// isText reports whether s has 1 to n characters and no control characters.
func isText(s string, n int) bool {
	length := utf8.RuneCountInString(s)
	return length >= 1 && length <= n && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// read takes metadata as it was given or fetches it, and reads it; nil when neither is given.
func (s *Service) read(ctx context.Context, who models.Principal, xml, address *string) (*document, error) {
	var doc document
	switch {
	case xml != nil && address != nil:
		return nil, models.Invalid("metadataUrl", "Give metadata or metadataUrl, not both.")
	case xml != nil:
		doc.xml = *xml
	case address != nil:
		raw, err := s.fetch(ctx, who, *address)
		if err != nil {
			return nil, err
		}
		doc.xml, doc.url = string(raw), *address
	default:
		return nil, nil
	}
	if len(doc.xml) > maxMetadata {
		return nil, models.Invalid(doc.field(), "The metadata is larger than 2 MiB.")
	}
	if !utf8.ValidString(doc.xml) || strings.Contains(doc.xml, "\x00") { // PostgreSQL keeps neither
		return nil, models.Invalid(doc.field(), "The metadata is not UTF-8 text.")
	}
	var err error
	doc.facts, doc.findings, err = s.Metadata.CheckSPMetadata([]byte(doc.xml))
	if err != nil {
		return nil, fieldOf(err, doc.field())
	}
	return &doc, nil
}

// fetch asks for a document, not too often.
func (s *Service) fetch(ctx context.Context, who models.Principal, address string) ([]byte, error) {
	if err := models.CheckWebURL(address, "metadataUrl", s.Dev); err != nil {
		return nil, err
	}
	if ok, retryAfter := s.Limits.Allow(ctx, "metadata:"+who.OrganisationID(), fetchesPerWindow, fetchWindow); !ok {
		return nil, models.RateLimited(retryAfter)
	}
	raw, err := s.Fetcher.Fetch(ctx, address)
	if err != nil {
		return nil, fieldOf(err, "metadataUrl")
	}
	return raw, nil
}

// field names the input that the metadata came by.
func (d *document) field() string {
	if d.url != "" {
		return "metadataUrl"
	}
	return "metadata"
}

// fieldOf makes an error one about this input.
func fieldOf(err error, field string) error {
	var known *models.Error
	if !errors.As(err, &known) {
		return models.Invalid(field, "The metadata cannot be used: "+err.Error())
	}
	named := *known
	named.Field = field
	return &named
}
