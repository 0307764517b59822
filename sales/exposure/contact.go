package exposure

import (
	"encoding/json"
	"fmt"

	"github.com/partnergraph/partnergraph/models"
)

func contactContext(id models.ID) string { return "access_configurations.contact:" + string(id) }

// sealContact puts the contact into its column; nobody at all clears it.
func (s *Service) sealContact(config *models.AccessConfiguration, contact models.InterfaceContact) {
	config.ContactSealed, config.Contact = nil, nil
	if contact.IsZero() {
		return
	}
	text, err := json.Marshal(contact)
	if err != nil {
		panic(err) // three strings
	}
	config.ContactSealed, config.Contact = s.Seal.Seal(text, contactContext(config.ID)), &contact
}

// openContact fills in the contact for a caller who may see the configuration.
func (s *Service) openContact(config *models.AccessConfiguration) error {
	if len(config.ContactSealed) == 0 {
		return nil
	}
	text, err := s.Seal.Open(config.ContactSealed, contactContext(config.ID))
	if err == nil {
		err = json.Unmarshal(text, &config.Contact)
	}
	if err != nil {
		return fmt.Errorf("exposure: the contact of %s does not open: %w", config.ID, err)
	}
	return nil
}

// PublishedContact returns the contact that the platform's metadata names; nil when the partner has not said that it may. For this
// server's own use.
func (s *Service) PublishedContact(config models.AccessConfiguration) (*models.InterfaceContact, error) {
	if !config.PublishContact {
		return nil, nil
	}
	err := s.openContact(&config)
	return config.Contact, err
}
