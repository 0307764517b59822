// Package companies holds a few companies as an example of the format (docs/companies.md). The demo and generated data sets load them; all of
// them are made up, and so are their numbers, which name a place that does not exist.
package companies

import _ "embed" // for JSONL

// JSONL are the companies, one on each line.
//
//go:embed companies.jsonl
var JSONL string
