package app

import (
	"io"
	"sync"
	"time"
)

const (
	// linesWait is how long a line of the log waits for others at most.
	linesWait = 50 * time.Millisecond
	// maxLines is how many bytes wait.
	maxLines = 64 << 10
)

// Lines joins what is written to it within 50 ms, so that a busy server makes one system call for many lines of its log. Flush it
// before the program ends; one that is killed loses what it said in the last 50 ms. It is safe for concurrent use.
type Lines struct {
	out io.Writer

	mu      sync.Mutex
	waiting []byte
	due     *time.Timer // set while something waits
	err     error       // of the last time
}

// NewLines writes to out.
func NewLines(out io.Writer) *Lines { return &Lines{out: out} }

var _ io.Writer = (*Lines)(nil)

// Write takes lines, whole ones. Its error is that of lines before these.
func (l *Lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, p...)
	switch {
	case len(l.waiting) >= maxLines:
		l.flush()
	case l.due == nil:
		l.due = time.AfterFunc(linesWait, func() { _ = l.Flush() })
	}
	return len(p), l.err
}

// Flush writes what waits.
func (l *Lines) Flush() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flush()
	return l.err
}

func (l *Lines) flush() {
	if l.due != nil {
		l.due.Stop()
		l.due = nil
	}
	if len(l.waiting) > 0 {
		_, l.err = l.out.Write(l.waiting)
		l.waiting = l.waiting[:0]
	}
}
