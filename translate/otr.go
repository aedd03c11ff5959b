package translate

import "strings"

// IsOTR reports whether a body is a message of the OTR protocol (XEP-0364 §4):
// a query or an encrypted message, readable only to an OTR client.
func IsOTR(body string) bool {
	return strings.HasPrefix(body, "?OTR:") || strings.HasPrefix(body, "?OTRv") || strings.HasPrefix(body, "?OTR?") ||
		strings.HasPrefix(body, "?OTR,") || strings.HasPrefix(body, "?OTR|") || strings.HasPrefix(body, "?OTR Error:")
}
