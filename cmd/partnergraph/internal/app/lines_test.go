package app_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app"
)

// writes counts what reaches a log.
type writes struct {
	mu   sync.Mutex
	n    int
	text strings.Builder
	err  error
}

func (w *writes) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.n++
	w.text.Write(p)
	return len(p), w.err
}

func (w *writes) so() (n int, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.n, w.text.String()
}

func TestLinesWaitForEachOtherAMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		out := &writes{}
		lines := app.NewLines(out)
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() { fmt.Fprintf(lines, "line %d\n", i) })
		}
		all.Wait()
		if n, _ := out.so(); n != 0 {
			t.Errorf("%d writes before their time", n)
		}
		time.Sleep(50 * time.Millisecond)
		synctest.Wait()
		if n, text := out.so(); n != 1 || strings.Count(text, "\n") != 100 {
			t.Errorf("%d writes of %d lines", n, strings.Count(text, "\n"))
		}
		fmt.Fprint(lines, strings.Repeat("x", 70<<10)+"\n") // does not wait
		if n, _ := out.so(); n != 2 {
			t.Errorf("%d writes after a long line", n)
		}
		fmt.Fprint(lines, "last\n")
		if err := lines.Flush(); err != nil {
			t.Error(err)
		}
		if n, text := out.so(); n != 3 || !strings.HasSuffix(text, "last\n") {
			t.Errorf("%d writes, ending in %q", n, text[max(len(text)-20, 0):])
		}
		out.err = errors.New("the disk is full")
		fmt.Fprint(lines, "lost\n")
		if lines.Flush() == nil {
			t.Error("a failure is not told")
		}
	})
}
