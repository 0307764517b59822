package funds

import (
	"fmt"
	"io"

	"encoding/json"

	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
)

// SigningEntity is a legal entity of the cloud and the ways in which it takes money in one currency (M08). Partners pay to
// the entity that they signed with, other customers to the one that takes their cloud's customers.
type SigningEntity struct {
	Name      string          `json:"name"` // as in models.Partner
	Cloud     string          `json:"cloud"`
	Currency  models.Currency `json:"currency"`
	Customers bool            `json:"customers"` // whether it takes the money of customers as well
	Online    []OnlineChannel `json:"online"`
	// BankTransfer is nil when the entity takes none.
	BankTransfer *BankTransfer `json:"bankTransfer"`
}

// OnlineChannel is a way to pay at once.
type OnlineChannel struct {
	Channel      models.RechargeChannel `json:"channel"`
	Provider     string                 `json:"provider"` // a key of Service.Providers
	Instructions string                 `json:"instructions"`
	Maximum      decimal.Decimal        `json:"maximum"` // of one recharge; zero = models.MaxMinor
}

// BankTransfer is the account that transfers go to.
type BankTransfer struct {
	models.BankAccount
	Instructions string          `json:"instructions"`
	Maximum      decimal.Decimal `json:"maximum"` // as in OnlineChannel
}

// SigningEntities is the table of who takes money in which ways. The zero value takes none.
type SigningEntities []SigningEntity

// ReadSigningEntities reads the table as a JSON list.
func ReadSigningEntities(r io.Reader) (SigningEntities, error) {
	decoder := json.NewDecoder(r)
	decoder.DisallowUnknownFields()
	var table SigningEntities
	if err := decoder.Decode(&table); err != nil {
		return nil, fmt.Errorf("not a JSON list of signing entities: %w", err)
	}
	return table, nil
}

// Check says what is wrong with the table, given the providers there are.
func (t SigningEntities) Check(providers map[string]Provider) error {
	names, customers := map[string]bool{}, map[string]bool{}
	for _, entity := range t {
		at := fmt.Sprintf("signing entity %q in %s", entity.Name, entity.Currency)
		if entity.Name == "" || entity.Cloud == "" || !entity.Currency.Valid() {
			return fmt.Errorf("%s: it needs a name, a cloud and a currency", at)
		}
		name, cloud := entity.Name+"\n"+string(entity.Currency), entity.Cloud+"\n"+string(entity.Currency)
		switch {
		case names[name]:
			return fmt.Errorf("%s: it stands there twice", at)
		case entity.Customers && customers[cloud]:
			return fmt.Errorf("%s: another entity takes the money of these customers", at)
		}
		names[name], customers[cloud] = true, customers[cloud] || entity.Customers
		if err := entity.check(providers); err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
	}
	return nil
}

func (e SigningEntity) check(providers map[string]Provider) error {
	seen := map[models.RechargeChannel]bool{}
	for _, online := range e.Online {
		if !online.Channel.Valid() || seen[online.Channel] {
			return fmt.Errorf("channel %q is unknown or stands there twice", online.Channel)
		}
		seen[online.Channel] = true
		if providers[online.Provider] == nil {
			return fmt.Errorf("channel %s: there is no provider %q", online.Channel, online.Provider)
		}
		if _, err := e.maximum(online.Maximum); err != nil {
			return fmt.Errorf("channel %s: maximum: %w", online.Channel, err)
		}
	}
	if e.BankTransfer == nil {
		return nil
	}
	if e.BankTransfer.Bank == "" || e.BankTransfer.AccountName == "" || e.BankTransfer.AccountNumber == "" {
		return fmt.Errorf("bank transfer: it needs a bank, an account name and an account number")
	}
	if _, err := e.maximum(e.BankTransfer.Maximum); err != nil {
		return fmt.Errorf("bank transfer: maximum: %w", err)
	}
	return nil
}

// maximum is the largest amount of one recharge.
func (e SigningEntity) maximum(set decimal.Decimal) (models.Money, error) {
	if set.IsZero() {
		return models.NewMoney(models.MaxMinor, e.Currency), nil
	}
	if err := checkAmount(set); err != nil {
		return models.Money{}, err
	}
	return models.ParseMoney(set, e.Currency, "maximum")
}

// ofPartner finds the entity that a partner pays to.
func (t SigningEntities) ofPartner(name string, currency models.Currency) (SigningEntity, bool) {
	for _, entity := range t {
		if entity.Name == name && entity.Currency == currency {
			return entity, true
		}
	}
	return SigningEntity{}, false
}

// ofCustomers finds the entity that the customers of a cloud pay to.
func (t SigningEntities) ofCustomers(cloud string, currency models.Currency) (SigningEntity, bool) {
	for _, entity := range t {
		if entity.Customers && entity.Cloud == cloud && entity.Currency == currency {
			return entity, true
		}
	}
	return SigningEntity{}, false
}

// options lists the ways that the entity takes money, as the API shows them.
func (e SigningEntity) options() []models.RechargeOption {
	options := []models.RechargeOption{}
	for _, online := range e.Online {
		channel := online.Channel
		maximum, _ := e.maximum(online.Maximum) // checked when the program starts
		options = append(options, models.RechargeOption{
			Method: models.RechargeOnline, Channel: &channel, Maximum: maximum, Instructions: online.Instructions,
		})
	}
	if e.BankTransfer != nil {
		account := e.BankTransfer.BankAccount
		maximum, _ := e.maximum(e.BankTransfer.Maximum)
		options = append(options, models.RechargeOption{
			Method: models.RechargeBankTransfer, Maximum: maximum, Instructions: e.BankTransfer.Instructions, BankAccount: &account,
		})
	}
	return options
}

// option finds an open way.
func (e SigningEntity) option(method models.RechargeMethod, channel *models.RechargeChannel) (models.RechargeOption, bool) {
	for _, option := range e.options() {
		same := option.Channel == nil && channel == nil || option.Channel != nil && channel != nil && *option.Channel == *channel
		if option.Method == method && same {
			return option, true
		}
	}
	return models.RechargeOption{}, false
}

// provider returns the name of the provider behind a channel.
func (e SigningEntity) provider(channel models.RechargeChannel) string {
	for _, online := range e.Online {
		if online.Channel == channel {
			return online.Provider
		}
	}
	return ""
}
