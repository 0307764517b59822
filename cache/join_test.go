package cache

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// frozen is a Redis that takes connections and says nothing.
func frozen(t *testing.T) *redis.Client {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(&redis.Options{Addr: listener.Addr().String(), MaxRetries: -1, ContextTimeoutEnabled: true, ReadTimeout: time.Second})
	t.Cleanup(func() { _, _ = client.Close(), listener.Close() })
	return client
}

// Callers get the answers to their own commands, however they were put together, and nobody is left waiting.
func TestJoinerKeepsAnswersApart(t *testing.T) {
	t.Parallel()
	options, err := redis.ParseURL(os.Getenv("TEST_REDIS_URL"))
	if err != nil {
		t.Fatal("TEST_REDIS_URL is not set; run `make test`, which starts the servers that tests need")
	}
	client := redis.NewClient(options)
	defer func() { _ = client.Close() }()
	j := &joiner{client: client, timeout: 10 * time.Second}
	var callers sync.WaitGroup
	for caller := range 64 {
		callers.Go(func() {
			for i := range 50 {
				want := fmt.Sprint(caller, "-", i)
				cmd := redis.NewStringCmd(t.Context(), "echo", want)
				if i%10 == 9 { // one that fails fails alone
					cmd = redis.NewStringCmd(t.Context(), "nonsense", want)
				}
				cmds := []redis.Cmder{cmd}
				after := redis.NewStringCmd(t.Context(), "echo", want+" and more")
				if i%3 == 0 { // one that comes with another
					cmds = append(cmds, after)
				}
				err := j.process(t.Context(), cmds...)
				if failed := i%10 == 9; failed != (err != nil) || !failed && cmd.Val() != want {
					t.Errorf("%s: %q, %v", want, cmd.Val(), err)
				}
				if len(cmds) == 2 && after.Val() != want+" and more" {
					t.Errorf("after %s: %q, %v", want, after.Val(), after.Err())
				}
			}
		})
	}
	callers.Wait()
	if j.flying != 0 || len(j.waiting) != 0 {
		t.Errorf("left over: %d under way, %d waiting", j.flying, len(j.waiting))
	}
}

// A caller leaves when its own time is over, also when its command waits for another's.
func TestJoinerLetsCallersGo(t *testing.T) {
	t.Parallel()
	j := &joiner{client: frozen(t), timeout: 50 * time.Millisecond}
	var callers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) + 8 {
		callers.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			if err := j.process(ctx, redis.NewStatusCmd(ctx, "ping")); err == nil || errors.Is(err, redis.Nil) {
				t.Errorf("a frozen server answers: %v", err)
			}
		})
	}
	callers.Wait()
	for range 200 {
		j.mu.Lock()
		flying := j.flying
		j.mu.Unlock()
		if flying == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("connections are not given back")
}
