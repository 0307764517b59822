// Package load makes requests in closed loops, as so many clients that each wait for an answer before they ask again, and says
// how many were answered and how long that took. It shares the machine with what it measures, so it does as little as it can.
package load

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Call makes one request. It returns "" when it was carried out, and else the code of the refusal.
type Call func() (refusal string)

// Plan is a run: Clients loops for Warm, which does not count, and then Duration, which does.
type Plan struct {
	Clients  int
	Warm     time.Duration
	Duration time.Duration
}

// Figures are what a run found.
type Figures struct {
	PerSecond float64        `json:"perSecond"` // accepted, in the counted time
	P50       float64        `json:"p50Ms"`     // of accepted requests, in milliseconds, as are the next two
	P99       float64        `json:"p99Ms"`
	Max       float64        `json:"maxMs"`
	Accepted  int64          `json:"accepted"`          // in the counted time
	Refused   map[string]int `json:"refused,omitempty"` // in the counted time, by code
	Done      int64          `json:"done"`              // accepted in all, warming up and the last answers included
}

// window is when answers count.
type window struct{ from, to time.Time }

// Run runs the plan. begin and end are called at the ends of the counted time, to read other meters; open makes the call of
// one client and may fail.
func Run(plan Plan, begin, end func(), open func(client int) (Call, error)) (Figures, error) {
	calls := make([]Call, plan.Clients)
	for i := range calls {
		var err error
		if calls[i], err = open(i); err != nil {
			return Figures{}, err
		}
	}
	started := time.Now()
	counted := window{from: started.Add(plan.Warm), to: started.Add(plan.Warm + plan.Duration)}
	clients := make([]client, plan.Clients)
	var running sync.WaitGroup
	for i, call := range calls {
		running.Go(func() { clients[i].loop(call, counted) })
	}
	time.Sleep(time.Until(counted.from))
	begin()
	time.Sleep(time.Until(counted.to))
	end()
	running.Wait()
	return figures(clients, plan.Duration), nil
}

// client is one loop's own tally, so that loops share nothing.
type client struct {
	took    []time.Duration
	refused map[string]int
	done    int64
}

func (c *client) loop(call Call, counted window) {
	c.refused = map[string]int{}
	for asked := time.Now(); asked.Before(counted.to); {
		refusal := call()
		answered := time.Now()
		counts := !answered.Before(counted.from) && answered.Before(counted.to)
		switch {
		case refusal != "" && counts:
			c.refused[refusal]++
		case refusal == "" && counts:
			c.took = append(c.took, answered.Sub(asked))
			c.done++
		case refusal == "":
			c.done++
		}
		asked = answered
	}
}

func figures(clients []client, counted time.Duration) Figures {
	var took []time.Duration
	all := Figures{Refused: map[string]int{}}
	for i := range clients {
		took = append(took, clients[i].took...)
		all.Done += clients[i].done
		for code, n := range clients[i].refused {
			all.Refused[code] += n
		}
	}
	slices.Sort(took)
	all.Accepted = int64(len(took))
	all.PerSecond = float64(len(took)) / counted.Seconds()
	all.P50, all.P99, all.Max = milliseconds(took, 0.5), milliseconds(took, 0.99), milliseconds(took, 1)
	return all
}

// milliseconds returns the smallest time that this share of all is not above; 0 when there is none.
func milliseconds(sorted []time.Duration, share float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	i := int(math.Ceil(share*float64(len(sorted)))) - 1
	return float64(sorted[max(i, 0)]) / float64(time.Millisecond)
}

// Sequence counts on for all clients of a run, so that each request has a number of its own.
type Sequence struct{ last atomic.Int64 }

// Next returns 0, 1, 2, ...
func (s *Sequence) Next() int64 { return s.last.Add(1) - 1 }
