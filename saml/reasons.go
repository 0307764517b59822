package saml

import "net/http"

// Reason is the machine code of a refused login. Codes are closed and stable: pages translate them, support staff search for them,
// audit lines carry them. They say which rule was broken and never quote the message.
type Reason string

// Reasons of the login link, GET /saml/login.
const (
	// UnknownPlatform: no connection has this platform id. Also used for an address of an unknown connection. HTTP 404.
	UnknownPlatform Reason = "UNKNOWN_PLATFORM"
	// PlatformDisabled: the connection is switched off. Checked at the start and again when the answer arrives. HTTP 403.
	PlatformDisabled Reason = "PLATFORM_DISABLED"
	// LoginLinkInvalid: a parameter is missing, repeated or not one of the documented values. HTTP 400.
	LoginLinkInvalid Reason = "LOGIN_LINK_INVALID"
	// ServiceNotAllowed: the landing address is neither ours nor on the platform's list. HTTP 400.
	ServiceNotAllowed Reason = "SERVICE_NOT_ALLOWED"
	// MetadataInvalid: the partner's stored metadata cannot be used. HTTP 502.
	MetadataInvalid Reason = "METADATA_INVALID"
	// SigningKeyMissing: we hold no active signing key for this connection. HTTP 500.
	SigningKeyMissing Reason = "SIGNING_KEY_MISSING"
)

// Reasons of the posted answer before its XML is looked at. All HTTP 400 unless noted.
const (
	// MethodNotAllowed: the assertion consumer was reached by anything but POST. HTTP 405.
	MethodNotAllowed Reason = "METHOD_NOT_ALLOWED"
	// ArtifactRefused: the artifact binding is not served.
	ArtifactRefused Reason = "ARTIFACT_REFUSED"
	// ResponseTooLarge: the form or the message is over its limit. HTTP 413.
	ResponseTooLarge Reason = "RESPONSE_TOO_LARGE"
	// ResponseMalformed: not a form with exactly one SAMLResponse and RelayState, not base64, not acceptable XML.
	ResponseMalformed Reason = "RESPONSE_MALFORMED"
	// UnsolicitedResponse: no RelayState, so nobody here asked for this answer.
	UnsolicitedResponse Reason = "UNSOLICITED_RESPONSE"
	// LoginUnknown: the RelayState names no parked login of this platform: never existed, or already used.
	LoginUnknown Reason = "LOGIN_UNKNOWN"
	// LoginExpired: the parked login was not answered in time.
	LoginExpired Reason = "LOGIN_EXPIRED"
	// LogoutUnknown: an answer to a logout that was not asked for here or in this browser, or was answered before.
	LogoutUnknown Reason = "LOGOUT_UNKNOWN"
	// TestLinkInvalid: the link of a test login was used before, is too old or was never made.
	TestLinkInvalid Reason = "TEST_LINK_INVALID"
	// BrowserMismatch: another browser started this login (or its cookie was withheld). HTTP 403.
	BrowserMismatch Reason = "BROWSER_MISMATCH"
)

// Reasons of the signature and the encryption. All HTTP 400.
const (
	// SignatureMissing: neither the assertion nor the whole response is signed.
	SignatureMissing Reason = "SIGNATURE_MISSING"
	// SignatureInvalid: a signature is malformed or verifies with none of the platform's certificates.
	SignatureInvalid Reason = "SIGNATURE_INVALID"
	// AlgorithmRefused: SHA-1, a keyed hash or another algorithm outside the allow-list.
	AlgorithmRefused Reason = "ALGORITHM_REFUSED"
	// DecryptionFailed: the encrypted assertion could not be opened; deliberately the only word on that.
	DecryptionFailed Reason = "DECRYPTION_FAILED"
)

// Reasons of the message's content. HTTP 400 unless noted.
const (
	// StatusNotSuccess: the identity provider answered that it did not sign anyone in.
	StatusNotSuccess Reason = "STATUS_NOT_SUCCESS"
	// AssertionMalformed: a part the web browser profile demands is missing, repeated or unreadable.
	AssertionMalformed Reason = "ASSERTION_MALFORMED"
	// VersionMismatch: response or assertion is not SAML 2.0.
	VersionMismatch Reason = "VERSION_MISMATCH"
	// IssuerMismatch: issued by another entity than the one this login was sent to.
	IssuerMismatch Reason = "ISSUER_MISMATCH"
	// DestinationMismatch: addressed to another consumer address.
	DestinationMismatch Reason = "DESTINATION_MISMATCH"
	// RecipientMismatch: the subject may be confirmed at another address only.
	RecipientMismatch Reason = "RECIPIENT_MISMATCH"
	// AudienceMismatch: no audience, or meant for another service provider.
	AudienceMismatch Reason = "AUDIENCE_MISMATCH"
	// InResponseToMismatch: the answer to another request, or to none.
	InResponseToMismatch Reason = "IN_RESPONSE_TO_MISMATCH"
	// SubjectNotConfirmed: no usable bearer confirmation.
	SubjectNotConfirmed Reason = "SUBJECT_NOT_CONFIRMED"
	// AssertionExpired: a validity window has closed.
	AssertionExpired Reason = "ASSERTION_EXPIRED"
	// AssertionNotYetValid: a validity window has not opened, or an instant lies in the future.
	AssertionNotYetValid Reason = "ASSERTION_NOT_YET_VALID"
	// AuthnStatementMissing: the assertion does not say that anyone was authenticated.
	AuthnStatementMissing Reason = "AUTHN_STATEMENT_MISSING"
	// AuthnContextMismatch: the platform says how it signed the person in, and that is none of the ways that were asked for; or it does
	// not say (IIP-SP07). HTTP 403.
	AuthnContextMismatch Reason = "AUTHN_CONTEXT_MISMATCH"
	// ConditionUnknown: a condition we do not understand, so validity cannot be judged.
	ConditionUnknown Reason = "CONDITION_UNKNOWN"
	// Replayed: this assertion has been used before.
	Replayed Reason = "REPLAYED"
)

// Reasons of the person. HTTP 403 unless noted.
const (
	// AttributeMissing: xUserId, xAccountId or bpId is absent or empty. HTTP 400.
	AttributeMissing Reason = "ATTRIBUTE_MISSING"
	// AttributeInvalid: an attribute is repeated, too long or holds characters it must not. HTTP 400.
	AttributeInvalid Reason = "ATTRIBUTE_INVALID"
	// PartnerMismatch: bpId is not the partner that owns this platform.
	PartnerMismatch Reason = "PARTNER_MISMATCH"
	// ScopeMismatch: a subject-id or pairwise-id is of a scope for which the platform may not speak.
	ScopeMismatch Reason = "SCOPE_MISMATCH"
	// IdentityNotBound: the account is not bound and the link did not say isFirstLogin=true. Returned by the People of sp.
	IdentityNotBound Reason = "IDENTITY_NOT_BOUND"
	// PersonRefused: the account or its user may not sign in now. Returned by the People of sp.
	PersonRefused Reason = "PERSON_REFUSED"
)

// Reasons of the identity provider: what a service provider, a storefront or a cloud sent us. HTTP 400 unless noted.
const (
	// UnknownServiceProvider: nobody is registered here under this entityID or id. HTTP 404.
	UnknownServiceProvider Reason = "UNKNOWN_SERVICE_PROVIDER"
	// ServiceProviderDisabled: its registration is switched off. Checked at the start and again before an answer leaves. HTTP 403.
	ServiceProviderDisabled Reason = "SERVICE_PROVIDER_DISABLED"
	// ConsumerUnknown: the request names a consumer address or index that the registered metadata does not have.
	ConsumerUnknown Reason = "CONSUMER_UNKNOWN"
	// RequestInvalid: a sign-on request that contradicts itself or asks for what is not served.
	RequestInvalid Reason = "REQUEST_INVALID"
	// RequestUnknown: the parked request does not exist, was answered, or has expired.
	RequestUnknown Reason = "REQUEST_UNKNOWN"
	// EncryptionKeyMissing: assertions for this service provider must be encrypted and its metadata has no key for it. HTTP 502.
	EncryptionKeyMissing Reason = "ENCRYPTION_KEY_MISSING"
	// LaunchRefused: this service provider takes no answer that it did not ask for. HTTP 403.
	LaunchRefused Reason = "LAUNCH_REFUSED"
	// TicketRefused: the sign-in ticket does not exist, was used, has expired, or was made for another browser's request. HTTP 403.
	TicketRefused Reason = "TICKET_REFUSED"
	// NotificationInvalid: not a form with exactly one bindRequest, SigAlg and Signature.
	NotificationInvalid Reason = "NOTIFICATION_INVALID"
	// NotificationForged: no registered service provider signed the notification, or it speaks of another platform. HTTP 403.
	NotificationForged Reason = "NOTIFICATION_FORGED"
	// NotificationStale: genuine, but issued too long ago or in the future.
	NotificationStale Reason = "NOTIFICATION_STALE"
)

// Reasons that are not the visitor's doing.
const (
	// Unavailable: a store we need did not answer. HTTP 503.
	Unavailable Reason = "UNAVAILABLE"
	// LoginStarted and LoginAccepted are not refusals: audit lines carry them for a login sent out and for one that succeeded.
	LoginStarted  Reason = "LOGIN_STARTED"
	LoginAccepted Reason = "LOGIN_ACCEPTED"
	// LogoutStarted, LogoutServed and LogoutFinished are the same of logouts: sent out, asked for by the platform, and answered by it.
	LogoutStarted  Reason = "LOGOUT_STARTED"
	LogoutServed   Reason = "LOGOUT_SERVED"
	LogoutFinished Reason = "LOGOUT_FINISHED"
	// TestFinished: a test login came to its end, whatever it found.
	TestFinished Reason = "TEST_FINISHED"
)

// Not refusals either: audit lines of the identity provider.
const (
	// RequestParked: a sign-on request or launch was checked and waits for its person.
	RequestParked Reason = "REQUEST_PARKED"
	// RequestAnswered: a person was signed in to the service provider.
	RequestAnswered Reason = "REQUEST_ANSWERED"
	// RequestDeclined: the request was answered with an error status.
	RequestDeclined Reason = "REQUEST_DECLINED"
	// TicketRedeemed: a storefront's ticket signed its person in.
	TicketRedeemed Reason = "TICKET_REDEEMED"
	// LogoutPartial: somebody could not be told.
	LogoutPartial Reason = "LOGOUT_PARTIAL"
	// NotificationTaken: a bind notification was verified and kept.
	NotificationTaken Reason = "NOTIFICATION_TAKEN"
)

// IsRefusal reports whether the reason refuses something; the others only mark what went well.
func (r Reason) IsRefusal() bool {
	switch r {
	case LoginStarted, LoginAccepted, LogoutStarted, LogoutServed, LogoutFinished, TestFinished,
		RequestParked, RequestAnswered, RequestDeclined, TicketRedeemed, LogoutPartial, NotificationTaken:
		return false
	}
	return true
}

// Status is the HTTP status of the page that shows a refusal for this reason.
func (r Reason) Status() int {
	switch r {
	case UnknownPlatform, UnknownServiceProvider:
		return http.StatusNotFound
	case PlatformDisabled, BrowserMismatch, PartnerMismatch, ScopeMismatch, AuthnContextMismatch, IdentityNotBound, PersonRefused,
		ServiceProviderDisabled, LaunchRefused, TicketRefused, NotificationForged:
		return http.StatusForbidden
	case MethodNotAllowed:
		return http.StatusMethodNotAllowed
	case ResponseTooLarge:
		return http.StatusRequestEntityTooLarge
	case MetadataInvalid, EncryptionKeyMissing:
		return http.StatusBadGateway
	case SigningKeyMissing:
		return http.StatusInternalServerError
	case Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}

// Refusal is the error of every refused login. Detail is a fixed phrase for logs that narrows the reason down; neither field ever
// quotes what the stranger sent, so both may be logged and shown.
type Refusal struct {
	Reason Reason
	Detail string
}

// Error returns reason and detail.
func (r *Refusal) Error() string {
	if r.Detail == "" {
		return "saml: " + string(r.Reason)
	}
	return "saml: " + string(r.Reason) + ": " + r.Detail
}
