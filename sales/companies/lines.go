package companies

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/partnergraph/partnergraph/models"
)

// lines reads a file line by line; what it holds at a time does not depend on the file.
type lines struct {
	from   *bufio.Reader
	number int // of the line that was read last, from 1
	buffer []byte
}

func newLines(from io.Reader) *lines { return &lines{from: bufio.NewReaderSize(from, 64<<10)} }

// errLineTooLong is of one line; the next ones can be read.
var errLineTooLong = models.Invalid("", fmt.Sprintf("A line has at most %d bytes.", MaxLineBytes))

// next returns the next line that is not empty, without its end, valid until next is called again; io.EOF after the last one.
func (l *lines) next() ([]byte, error) {
	for {
		line, err := l.read()
		if err != nil {
			return nil, err
		}
		if l.number == 1 {
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return line, nil
		}
	}
}

func (l *lines) read() ([]byte, error) {
	l.buffer = l.buffer[:0]
	long := false
	for {
		part, err := l.from.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if errors.Is(err, io.EOF) && len(part) == 0 && len(l.buffer) == 0 && !long {
			return nil, io.EOF
		}
		if long = long || len(l.buffer)+len(part) > MaxLineBytes+1; !long {
			l.buffer = append(l.buffer, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		l.number++
		switch {
		case l.number > MaxLines:
			return nil, models.Invalid("content", fmt.Sprintf("A load has at most %d lines; those before this one were read.", MaxLines))
		case long:
			return nil, errLineTooLong
		}
		return l.buffer, nil
	}
}
