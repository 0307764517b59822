package models

// GoLiveCode names one thing that a platform has to do before its customers can use it.
type GoLiveCode string

// The steps, in the order in which people take them.
const (
	GoLiveEnabled          GoLiveCode = "ENABLED"
	GoLiveContact          GoLiveCode = "INTERFACE_CONTACT"
	GoLiveMetadata         GoLiveCode = "IDP_METADATA"
	GoLiveBindNotification GoLiveCode = "BIND_NOTIFICATION_URL"
	GoLiveServices         GoLiveCode = "ALLOWED_SERVICES"
	GoLiveAPIKey           GoLiveCode = "API_KEY"
	GoLiveFirstLogin       GoLiveCode = "FIRST_LOGIN"
	GoLiveOrderPaid        GoLiveCode = "ORDER_PAID_URL"
	GoLiveOrderRecharge    GoLiveCode = "ORDER_RECHARGE_URL"
	GoLiveOrigins          GoLiveCode = "ALLOWED_ORIGINS"
	GoLiveBucket           GoLiveCode = "ATTACHMENT_BUCKET"
)

// GoLiveStep is one line of the checklist.
type GoLiveStep struct {
	Code     GoLiveCode
	Done     bool
	Required bool   // without it nobody can sign in, or the platform learns of nothing
	Message  string // for people: what it is for and how to do it
}

// GoLiveFacts are what the checklist needs beside the configuration itself.
type GoLiveFacts struct {
	LiveKeys  bool // the partner has an API key that works
	BoundEver bool // somebody has completed a first login
}

// GoLiveSteps is what a platform has done and what is still missing (A02-A06). It is always the whole list.
func (a AccessConfiguration) GoLiveSteps(facts GoLiveFacts) []GoLiveStep {
	return []GoLiveStep{
		{GoLiveEnabled, a.State == ExposureEnabled, true, "The platform is switched on: set state to ENABLED."},
		{GoLiveContact, len(a.ContactSealed) > 0, true, "Somebody can be reached about the interface: set contact."},
		{GoLiveMetadata, a.IDPMetadata != "", true, "Your identity provider is known: set idpMetadata."},
		{GoLiveBindNotification, a.BindNotificationURL != "", true, "You are told which cloud account a customer was bound to: set bindNotificationUrl."},
		{GoLiveServices, len(a.AllowedServices) > 0, false, "Logins may land outside this server: set allowedServices."},
		{GoLiveAPIKey, facts.LiveKeys, true, "Your programs can call: make a key with createApiKey."},
		{GoLiveFirstLogin, facts.BoundEver, true, "One customer has completed a first login; try it with an account of your own."},
		{GoLiveOrderPaid, a.OrderPaidURL != "", false, "Customers come back to you after paying: set orderPaidUrl."},
		{GoLiveOrderRecharge, a.OrderRechargeURL != "", false, "Customers come to you when their balance is short: set orderRechargeUrl."},
		{GoLiveOrigins, len(a.AllowedOrigins) > 0, false, "Your storefront calls this API from browsers: set allowedOrigins."},
		{GoLiveBucket, a.AttachmentUpload && len(a.BucketSealed) > 0 && a.BucketCheckedAt != nil, false, "Real-name attachments are read from your own bucket: set attachmentUpload and attachmentBucket; without a bucket they are uploaded here."},
	}
}
