// Package catalogue holds a small catalogue as an example of the format (docs/catalogue.md). The demo and generated data sets load it; its
// prices are made up.
package catalogue

import _ "embed" // for JSON

// JSON is the catalogue of the cloud "hws".
//
//go:embed catalogue.json
var JSON string
