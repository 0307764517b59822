package funds

import (
	"github.com/partnergraph/partnergraph/models"
)

// The names under which payers' names are sealed: together with the row's id they keep a sealed value from being moved.
const (
	columnRemittancePayer = "remittances.payer_name"
	columnClaimPayer      = "remittance_claims.payer_name"
	columnAgreementPayer  = "payer_agreements.payer_name"
)

// payerPurpose is what all digests of payers' names are made for, so that a claim's equals a remittance's.
const payerPurpose = "payer name"

// maxPayerName is the most characters of a payer's name.
const maxPayerName = 200

// blindPayer digests a payer's name as it is compared.
func (s *Service) blindPayer(name string) string {
	return s.Seal.Blind(models.PayerKey(name), payerPurpose)
}

func (s *Service) sealPayer(name, column string, id models.ID) []byte {
	return s.Seal.Seal([]byte(name), column+":"+string(id))
}

// openPayer opens a name for a caller who may see the row it is in; nil when there is none.
func (s *Service) openPayer(sealed []byte, column string, id models.ID) (*string, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	plain, err := s.Seal.Open(sealed, column+":"+string(id))
	if err != nil {
		return nil, err
	}
	name := string(plain)
	return &name, nil
}

func (s *Service) openRemittance(r *models.Remittance) (err error) {
	r.PayerName, err = s.openPayer(r.PayerNameSealed, columnRemittancePayer, r.ID)
	return err
}

func (s *Service) openClaim(c *models.RemittanceClaim) (err error) {
	c.PayerName, err = s.openPayer(c.PayerNameSealed, columnClaimPayer, c.ID)
	return err
}

func (s *Service) openAgreement(a *models.PayerAgreement) (err error) {
	a.PayerName, err = s.openPayer(a.PayerNameSealed, columnAgreementPayer, a.ID)
	return err
}
