package catalog

import "github.com/partnergraph/partnergraph/models"

// DecodeStrict reads a JSON file of another room as a catalogue is read: target is a pointer to a struct whose fields have json tags. The
// error is INVALID of "content" with line and path. Whoever calls it bounds the data first.
func DecodeStrict(data []byte, target any) error { return decodeStrict(data, target) }

// DecodeLine is DecodeStrict for one line of a file of JSON Lines; number is the line's, from 1. The error names the path as its field.
func DecodeLine(line []byte, number int, target any) error {
	err := models.AsError(decodeBelow(line, number-1, target))
	if err == nil {
		return nil
	}
	if path, ok := err.Details["path"].(string); ok {
		err.Field = path
	}
	return err
}

// RefuseAt is INVALID of "content" for what a file says at a path, with the line that the path is on; blank is a pointer to an empty value
// of the type that DecodeStrict filled.
func RefuseAt(data []byte, blank any, path, what string) error {
	return refusal(locate(data, blank, path), path, what)
}
