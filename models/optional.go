package models

// The methods of this file are what the API shows of an optional text: nil where the column is empty.

// ExternalIDOrNil returns ExternalID, or nil when it is empty.
func (p Partner) ExternalIDOrNil() *string { return orNil(p.ExternalID) }

// ExternalIDOrNil returns ExternalID, or nil when it is empty.
func (c Customer) ExternalIDOrNil() *string { return orNil(c.ExternalID) }

// ExternalIDOrNil returns ExternalID, or nil when it is empty.
func (o Order) ExternalIDOrNil() *string { return orNil(o.ExternalID) }

// ExternalIDOrNil returns ExternalID, or nil when it is empty.
func (r Resource) ExternalIDOrNil() *string { return orNil(r.ExternalID) }

// PlatformIDOrNil returns PlatformID, or nil when it is empty.
func (s Session) PlatformIDOrNil() *string { return orNil(s.PlatformID) }

// UserAgentOrNil returns UserAgent, or nil when it is empty.
func (s Session) UserAgentOrNil() *string { return orNil(s.UserAgent) }

// ReasonOrNil returns Reason, or nil when it is empty.
func (i IncentiveLine) ReasonOrNil() *string { return orNil(i.Reason) }

// IDPMetadataOrNil returns IDPMetadata, or nil when it is empty.
func (a AccessConfiguration) IDPMetadataOrNil() *string { return orNil(a.IDPMetadata) }

// IDPEntityIDOrNil returns IDPEntityID, or nil when it is empty.
func (a AccessConfiguration) IDPEntityIDOrNil() *string { return orNil(a.IDPEntityID) }

// BindNotificationURLOrNil returns BindNotificationURL, or nil when it is empty.
func (a AccessConfiguration) BindNotificationURLOrNil() *string { return orNil(a.BindNotificationURL) }

// OrderPaidURLOrNil returns OrderPaidURL, or nil when it is empty.
func (a AccessConfiguration) OrderPaidURLOrNil() *string { return orNil(a.OrderPaidURL) }

// OrderRechargeURLOrNil returns OrderRechargeURL, or nil when it is empty.
func (a AccessConfiguration) OrderRechargeURLOrNil() *string { return orNil(a.OrderRechargeURL) }

// SignInURLOrNil returns SignInURL, or nil when it is empty.
func (a AccessConfiguration) SignInURLOrNil() *string { return orNil(a.SignInURL) }

func orNil[T ~string](s T) *T {
	if s == "" {
		return nil
	}
	return &s
}
