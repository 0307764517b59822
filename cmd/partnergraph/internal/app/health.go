package app

import (
	"context"
	"encoding/json"
	"net/http"
	"sync/atomic"
	"time"
)

// check is one thing that has to work before requests are welcome.
type check struct {
	name string
	run  func(context.Context) error
}

// health answers whether the process lives and whether it is ready. Redis is not among the checks: without it the server
// is slower, never wrong.
type health struct {
	checks   []check
	draining atomic.Bool
}

func (h *health) live(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n"))
}

// ready answers 200, or 503 with each check that fails and why in a word; details are for the log.
func (h *health) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	status, answer := http.StatusOK, map[string]string{}
	for _, c := range h.checks {
		answer[c.name] = "ok"
		if err := c.run(ctx); err != nil {
			status, answer[c.name] = http.StatusServiceUnavailable, err.Error()
		}
	}
	if h.draining.Load() {
		status, answer["server"] = http.StatusServiceUnavailable, "shutting down"
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		return // the caller has gone
	}
}
