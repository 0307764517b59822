package catalog

// Check is the check of a file, for fuzzing without a database.
func Check(data []byte) error {
	_, err := parse(data)
	return err
}
