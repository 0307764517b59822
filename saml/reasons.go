package saml

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
	// LogoutUnknown: an answer to a logout that was not asked for here, or was answered before.
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

// Reasons of the message's content. All HTTP 400.
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
	// IdentityNotBound: the account is not bound and the link did not say isFirstLogin=true. Returned by the People of sp.
	IdentityNotBound Reason = "IDENTITY_NOT_BOUND"
	// PersonRefused: the account or its user may not sign in now. Returned by the People of sp.
	PersonRefused Reason = "PERSON_REFUSED"
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

// IsRefusal reports whether the reason refuses something; the others only mark what went well.
func (r Reason) IsRefusal() bool {
	switch r {
	case LoginStarted, LoginAccepted, LogoutStarted, LogoutServed, LogoutFinished, TestFinished:
		return false
	}
	return true
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
