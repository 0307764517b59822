package customers

import (
	"strings"

	"github.com/partnergraph/partnergraph/models"
)

// The names under which the columns are sealed: together with the row's id they keep a sealed value from being moved to
// another column or customer.
const (
	columnRealName = "customers.real_name"
	columnEmail    = "customers.email"
	columnPhone    = "customers.phone"
)

// sealPersonal turns the personal fields that are given into their columns.
func (s *Service) sealPersonal(c *models.Customer) {
	c.RealNameSealed = s.sealText(c, columnRealName, c.RealName)
	c.EmailSealed = s.sealText(c, columnEmail, c.Email)
	c.PhoneSealed = s.sealText(c, columnPhone, c.Phone)
	c.EmailBlind, c.PhoneBlind = "", ""
	if c.Email != nil {
		c.EmailBlind = s.blindEmail(*c.Email)
	}
	if c.Phone != nil {
		c.PhoneBlind = s.Seal.Blind(*c.Phone, columnPhone)
	}
}

// blindEmail is how a customer with this address is found, see models.Customer.
func (s *Service) blindEmail(email string) string {
	return s.Seal.Blind(strings.ToLower(email), columnEmail)
}

func (s *Service) sealText(c *models.Customer, column string, text *string) []byte {
	if text == nil {
		return nil
	}
	return s.sealValue(*text, column, c.ID)
}

// sealValue seals a value of another noun's row, and openValue opens it; the column and the row's id are its context.
func (s *Service) sealValue(text, column string, id models.ID) []byte {
	return s.Seal.Seal([]byte(text), column+":"+string(id))
}

func (s *Service) openValue(sealed []byte, column string, id models.ID) (*string, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	plain, err := s.Seal.Open(sealed, column+":"+string(id))
	if err != nil {
		return nil, err
	}
	text := string(plain)
	return &text, nil
}

// openPersonal fills in the personal fields of a customer that the caller may see; whoever may see a customer may see how
// to reach it (3.2).
func (s *Service) openPersonal(c *models.Customer) error {
	var err error
	if c.RealName, err = s.openValue(c.RealNameSealed, columnRealName, c.ID); err != nil {
		return err
	}
	if c.Email, err = s.openValue(c.EmailSealed, columnEmail, c.ID); err != nil {
		return err
	}
	c.Phone, err = s.openValue(c.PhoneSealed, columnPhone, c.ID)
	return err
}

// openPage opens the personal data of a page's customers in place.
func (s *Service) openPage(page models.Connection[models.Customer]) error {
	for i := range page.Edges {
		if err := s.openPersonal(&page.Edges[i].Node); err != nil {
			return err
		}
	}
	return nil
}
