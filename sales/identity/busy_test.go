package identity

import (
	"fmt"
	"testing"
	"time"
)

func TestAKeyIsBusyWhenItComesAgainSoon(t *testing.T) {
	t.Parallel()
	var b busy
	at := time.Unix(1000, 0)
	for _, step := range []struct {
		after time.Duration
		key   string
		want  bool
	}{
		{0, "a", false}, {0, "a", true}, {0, "b", false}, {busyWithin, "a", true}, {0, "c", false}, {busyWithin, "b", false}, {0, "c", true}, {2 * busyWithin, "c", false},
		{-time.Hour, "c", false},
	} {
		at = at.Add(step.after)
		if got := b.again(step.key, at); got != step.want {
			t.Errorf("%s at %s: %v", step.key, at, got)
		}
	}
	for i := range 3 * maxBusy {
		b.again(fmt.Sprint(i), at)
	}
	if n := len(b.young) + len(b.old); n > 2*maxBusy {
		t.Errorf("%d keys are remembered", n)
	}
}
