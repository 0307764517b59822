// Package incentives holds a few incentive policies as an example of the format (docs/incentives.md). The demo loads them; their rates are
// made up.
package incentives

import _ "embed" // for JSON

// JSON is the policies of the cloud "hws".
//
//go:embed policies.json
var JSON string
