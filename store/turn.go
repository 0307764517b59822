package store

import "sync"

// mostUnderWay is how many groups of a lane are under way at most.
const mostUnderWay = 2

// Turn is a group's place in its lane, where a group may begin while the one before is under way: each hands over what it will leave behind as soon as it
// knows, the next one begins on that, and changes nothing that others see before the one before has kept its word. Two groups of a lane are under way at
// most. A Turn is for its group's goroutine.
type Turn struct {
	own    *stage
	before *stage // nil when nothing was under way
	alone  bool
}

// stage is what two groups know of each other.
type stage struct {
	jobs   int
	handed chan struct{} // closed once left is there
	ended  chan struct{} // closed once kept is known
	end    func()
	left   any
	kept   bool
}

func newTurn(under *Turn, jobs int) *Turn {
	own := &stage{jobs: jobs, handed: make(chan struct{}), ended: make(chan struct{})}
	own.end = sync.OnceFunc(func() { close(own.ended) })
	turn := &Turn{own: own}
	if under != nil && !under.own.over() {
		turn.before = under.own
	}
	return turn
}

// over reports whether the group has ended.
func (s *stage) over() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// Alone reports whether the group had better not go ahead, because those before it lately did in vain.
func (t *Turn) Alone() bool { return t.alone }

// Before returns what the group before leaves behind, if it was under way when this one began; else nil.
func (t *Turn) Before() any {
	if t.before == nil {
		return nil
	}
	return t.before.left
}

// HandOver lets the next group begin on what this one leaves behind, which must not change any more. It is called once at most.
func (t *Turn) HandOver(left any) {
	t.own.left = left
	close(t.own.handed)
}

// Keep says that what was handed over has come true, before the group ends.
func (t *Turn) Keep() { t.own.kept = true }

// Ready reports whether the group before has ended.
func (t *Turn) Ready() bool { return t.before == nil || t.before.over() }

// Wait waits until the group before has ended, and reports whether it kept its word.
func (t *Turn) Wait() bool {
	if t.before == nil {
		return true
	}
	<-t.before.ended
	return t.before.kept
}
