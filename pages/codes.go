package pages

// classOf sorts every machine code that can reach the error page by what its
// reader can do about it. The catalogue has one title and one piece of advice
// per class and one sentence of what happened per code. The codes are those of
// the SAML door and of the API; a code that is not here reads as UNKNOWN.
//
// It is a function, not a table, so that nothing can change it at run time.
func classOf(code string) (class string, known bool) {
	switch code {
	case "UNSOLICITED_RESPONSE", "LOGIN_UNKNOWN", "LOGIN_EXPIRED", "BROWSER_MISMATCH", "STATUS_NOT_SUCCESS",
		"IDP_STATUS", "IN_RESPONSE_TO_MISMATCH", "ASSERTION_EXPIRED", "TIME_WINDOW", "REPLAYED",
		"REQUEST_UNKNOWN", "TICKET_REFUSED", "LOGOUT_UNKNOWN":
		return "retry", true
	case "PLATFORM_DISABLED", "METADATA_INVALID", "ARTIFACT_REFUSED", "RESPONSE_TOO_LARGE", "RESPONSE_MALFORMED",
		"SIGNATURE_MISSING", "SIGNATURE_INVALID", "ALGORITHM_REFUSED", "DECRYPTION_FAILED", "ASSERTION_MALFORMED",
		"VERSION_MISMATCH", "ISSUER_MISMATCH", "SCOPE_MISMATCH", "DESTINATION_MISMATCH", "RECIPIENT_MISMATCH", "AUDIENCE_MISMATCH",
		"SUBJECT_NOT_CONFIRMED", "ASSERTION_NOT_YET_VALID", "AUTHN_STATEMENT_MISSING", "CONDITION_UNKNOWN",
		"ATTRIBUTE_MISSING", "ATTRIBUTE_INVALID", "PARTNER_MISMATCH":
		return "platform", true
	case "UNKNOWN_PLATFORM", "LOGIN_LINK_INVALID", "TEST_LINK_INVALID", "SERVICE_NOT_ALLOWED", "METHOD_NOT_ALLOWED":
		return "link", true
	case "UNKNOWN_SERVICE_PROVIDER", "SERVICE_PROVIDER_DISABLED", "CONSUMER_UNKNOWN", "REQUEST_INVALID", "ENCRYPTION_KEY_MISSING",
		"LAUNCH_REFUSED", "NOTIFICATION_INVALID", "NOTIFICATION_FORGED", "NOTIFICATION_STALE":
		return "service", true
	case "IDENTITY_NOT_BOUND", "PERSON_REFUSED", "FORBIDDEN":
		return "account", true
	case "AUTHN_CONTEXT_MISMATCH":
		return "strength", true
	case "NOT_FOUND":
		return "missing", true
	case "UNAUTHENTICATED", "FORM_EXPIRED":
		return "session", true
	case "INVALID", "CONFLICT", "PRECONDITION_FAILED", "TOO_COMPLEX":
		return "input", true
	case "INSUFFICIENT_BALANCE":
		return "money", true
	case "RATE_LIMITED":
		return "limit", true
	case "SIGNING_KEY_MISSING", "UNAVAILABLE", "INTERNAL":
		return "ours", true
	}
	return "ours", false
}
