package catalog

// DecodeStrict reads a JSON file of another room as a catalogue is read: target is a pointer to a struct whose fields have json tags. The
// error is INVALID of "content" with line and path. Whoever calls it bounds the data first.
func DecodeStrict(data []byte, target any) error { return decodeStrict(data, target) }

// RefuseAt is INVALID of "content" for what a file says at a path, with the line that the path is on; blank is a pointer to an empty value
// of the type that DecodeStrict filled.
func RefuseAt(data []byte, blank any, path, what string) error {
	return refusal(locate(data, blank, path), path, what)
}
