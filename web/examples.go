package web

import (
	"io/fs"
	"path"
	"strings"
)

// Example is one query that GraphiQL opens with, in a tab of its own.
type Example struct {
	// Name is the file's name without number and ending, such as "pay_order".
	Name string `json:"name"`
	// Query is a whole GraphQL document with one named operation.
	Query string `json:"query"`
	// Variables is a JSON object, or empty when the operation takes none.
	Variables string `json:"variables,omitempty"`
}

// Examples returns the queries GraphiQL opens with, in the order of their tabs.
// A test beside the schema can hold every one of them against it.
func Examples() ([]Example, error) {
	// Glob sorts by name, and the names begin with the tab's number.
	names, err := fs.Glob(ownFS, "examples/*.graphql")
	if err != nil {
		return nil, err
	}
	list := make([]Example, 0, len(names))
	for _, name := range names {
		query, err := ownFS.ReadFile(name)
		if err != nil {
			return nil, err
		}
		stem := strings.TrimSuffix(name, ".graphql")
		_, short, _ := strings.Cut(path.Base(stem), "_")
		e := Example{Name: short, Query: strings.TrimSpace(string(query))}
		if variables, err := ownFS.ReadFile(stem + ".json"); err == nil {
			e.Variables = strings.TrimSpace(string(variables))
		}
		list = append(list, e)
	}
	return list, nil
}
