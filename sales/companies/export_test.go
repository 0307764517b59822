package companies

import (
	"errors"
	"io"

	"github.com/partnergraph/partnergraph/models"
)

// ReadLines reads all lines of a file, for tests of their bounds: the lines, the numbers of those that are too long, and what ended it.
func ReadLines(from io.Reader) (all []string, long []int, err error) {
	l := newLines(from)
	for {
		line, err := l.next()
		switch {
		case errors.Is(err, io.EOF):
			return all, long, nil
		case err != nil && models.AsError(err) == errLineTooLong: // errors.Is takes any INVALID for it
			long = append(long, l.number)
		case err != nil:
			return all, long, err
		default:
			all = append(all, string(line))
		}
	}
}
