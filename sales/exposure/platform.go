package exposure

import (
	"context"
	"slices"

	"github.com/partnergraph/partnergraph/models"
)

// ByPlatform returns the configuration of a platform in any state, for this server's own use: it asks nobody's
// permission. NOT_FOUND when there is no such platform.
func (s *Service) ByPlatform(ctx context.Context, platformID string) (models.AccessConfiguration, error) {
	config, found, err := selectByPlatform(ctx, s.DB, platformID)
	if err == nil && !found {
		err = models.NotFound("platform")
	}
	return config, err
}

// ForPartner returns the enabled configuration that serves a partner's customers: its own, or its distributor's when it
// is a cloud reseller. found is false when there is none. For this server's own use.
func (s *Service) ForPartner(ctx context.Context, partnerID models.ID) (config models.AccessConfiguration, found bool, err error) {
	return selectServing(ctx, s.DB, partnerID)
}

// OriginAllowed reports whether any enabled platform lets this origin call from a browser, which is all that a preflight
// request can be asked: it carries no credential.
func (s *Service) OriginAllowed(ctx context.Context, origin string) (bool, error) {
	if malformed := s.checkOrigin(origin, "origin"); malformed != nil {
		return false, nil //nolint:nilerr // what is no origin is not allowed
	}
	lists, err := selectOriginsLike(ctx, s.DB, origin)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(lists, func(list []string) bool { return slices.Contains(list, origin) }), nil
}

// OriginAllowedFor reports whether the platform that serves this principal lets the origin call: a partner's own, a
// reseller's distributor's, that of a customer's partner. Operators and anonymous callers have none.
func (s *Service) OriginAllowedFor(ctx context.Context, who models.Principal, origin string) (bool, error) {
	partnerID := who.PartnerID
	if who.CustomerID != "" {
		var err error
		if partnerID, err = selectPartnerOfCustomer(ctx, s.DB, who.CustomerID); err != nil {
			return false, err
		}
	}
	if partnerID == "" {
		return false, nil
	}
	config, found, err := s.ForPartner(ctx, partnerID)
	return found && slices.Contains(config.AllowedOrigins, origin), err
}

// ServiceAllowed reports whether a login through the platform may land on this address: below our own origin, or below
// one of the platform's allowed services. An unknown or disabled platform allows none.
func (s *Service) ServiceAllowed(ctx context.Context, platformID, service string) (bool, error) {
	config, found, err := selectByPlatform(ctx, s.DB, platformID)
	if err != nil || !found || config.State != models.ExposureEnabled {
		return false, err
	}
	return models.URLUnder(service, s.OwnOrigin) || config.AllowsService(service), nil
}

// SignReturn returns where to send a customer of this partner after a payment: the order-paid URL of the platform that
// serves the partner, with the order's outcome signed; nil when there is none. For this server's own use, after the
// payment is committed.
func (s *Service) SignReturn(ctx context.Context, partnerID, orderID models.ID, status string) (*string, error) {
	config, found, err := s.ForPartner(ctx, partnerID)
	if err != nil || !found || config.OrderPaidURL == "" {
		return nil, err
	}
	return s.signTrip(config, config.OrderPaidURL, orderID, status)
}

// SignRecharge is SignReturn for a customer whose money is short: the order-recharge URL of the platform, with the order that waits for it (A04).
func (s *Service) SignRecharge(ctx context.Context, partnerID, orderID models.ID, status string) (*string, error) {
	config, found, err := s.ForPartner(ctx, partnerID)
	if err != nil || !found || config.OrderRechargeURL == "" {
		return nil, err
	}
	return s.signTrip(config, config.OrderRechargeURL, orderID, status)
}

func (s *Service) signTrip(config models.AccessConfiguration, to string, orderID models.ID, status string) (*string, error) {
	secret, err := s.openSecret(config)
	if err != nil {
		return nil, err
	}
	nonce, err := s.random(16)
	if err != nil {
		return nil, err
	}
	signed, err := models.SignReturnURL(to, models.ReturnTrip{
		OrderID: orderID, Status: models.OrderStatus(status), PlatformID: config.PlatformID, IssuedAt: s.now(), Nonce: nonce,
	}, secret)
	if err != nil {
		return nil, err
	}
	return &signed, nil
}
