package cache

import (
	"context"
	"errors"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// ErrDown says that Redis is not asked at present because it has not answered lately.
var ErrDown = errors.New("cache: redis does not answer")

// Redis is a cache that replicas share. When Redis fails, reads are misses, counters and messages stay in this process,
// and nothing waits longer than Options.Timeout.
type Redis struct {
	client  redis.UniversalClient
	joiner  *joiner
	prefix  string
	logger  *slog.Logger
	tracer  trace.Tracer
	breaker *breaker
	pending *pending
	local   *Memory // counters and messages while Redis is away
	shares  shares

	lookup, fill, invalidate, hit script
}

var _ Cache = (*Redis)(nil)

func openRedis(_ context.Context, url string, options Options) (*Redis, error) {
	url, prefix, err := cutPrefix(url)
	if err != nil {
		return nil, err
	}
	if prefix != "" {
		options.Prefix = prefix + ":"
	}
	universal, err := parseRedis(url)
	if err != nil {
		return nil, err
	}
	universal.DialTimeout = options.Timeout
	universal.ReadTimeout = options.Timeout
	universal.WriteTimeout = options.Timeout
	universal.PoolTimeout = options.Timeout
	universal.ContextTimeoutEnabled = true
	universal.MaxRetries = -1 // a miss is cheaper than a second wait
	universal.DialerRetries = 1
	universal.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	client := redis.NewUniversalClient(universal)
	return &Redis{
		client: client, joiner: &joiner{client: client, timeout: options.Timeout}, prefix: options.Prefix,
		logger: options.Logger, tracer: options.Tracer.Tracer("github.com/partnergraph/partnergraph/cache"),
		breaker: &breaker{now: options.Now}, pending: &pending{now: options.Now}, local: newMemory(options), shares: shares{now: options.Now},
		lookup: newScript(lookupScript), fill: newScript(fillScript),
		invalidate: newScript(invalidateScript), hit: newScript(hitScript),
	}, nil
}

var plainPrefix = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// cutPrefix takes the parameter prefix out of an address.
func cutPrefix(url string) (rest, prefix string, err error) {
	base, query, _ := strings.Cut(url, "?")
	var others []string
	for part := range strings.SplitSeq(query, "&") {
		value, ours := strings.CutPrefix(part, "prefix=")
		switch {
		case ours && !plainPrefix.MatchString(value):
			return "", "", errors.New("cache: the prefix in the url has 1 to 64 letters, digits, - and _")
		case ours:
			prefix = value
		case part != "":
			others = append(others, part)
		}
	}
	if len(others) > 0 {
		base += "?" + strings.Join(others, "&")
	}
	return base, prefix, nil
}

// parseRedis reads the first address of a comma list with go-redis and adds the others to it.
func parseRedis(url string) (*redis.UniversalOptions, error) {
	scheme, rest, _ := strings.Cut(url, "://")
	master := ""
	if before, name, found := strings.Cut(rest, "?master="); found {
		rest, master = before, name
	}
	credentials, hosts := "", rest
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		credentials, hosts = rest[:at+1], rest[at+1:]
	}
	tail := ""
	if i := strings.IndexAny(hosts, "/?"); i >= 0 {
		hosts, tail = hosts[:i], hosts[i:]
	}
	addresses := strings.Split(hosts, ",")
	first, err := redis.ParseURL(scheme + "://" + credentials + addresses[0] + tail)
	if err != nil {
		return nil, errors.New("cache: the redis url is malformed")
	}
	addresses[0] = first.Addr
	return &redis.UniversalOptions{
		Addrs: addresses, DB: first.DB, Username: first.Username, Password: first.Password, TLSConfig: first.TLSConfig,
		PoolSize: first.PoolSize, MasterName: master,
		// With version 3 the client looks at the socket for messages of the server's own before every call. None of what is used
		// here needs it.
		Protocol: 2,
	}, nil
}

// do runs one call under the breaker. A caller that ran out of its own time says nothing about Redis.
func (r *Redis) do(ctx context.Context, operation string, call func(ctx context.Context) error) error {
	allowed, probe := r.breaker.allow()
	if probe {
		go r.probe(context.WithoutCancel(ctx))
	}
	if !allowed {
		return ErrDown
	}
	ctx, span := r.tracer.Start(ctx, "redis "+operation, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("db.system.name", "redis"), attribute.String("db.operation.name", operation)))
	defer span.End()
	err := call(ctx)
	if err != nil && !errors.Is(err, redis.Nil) {
		span.SetStatus(codes.Error, "")
		if ctx.Err() != nil {
			return err
		}
	}
	r.report(ctx, err)
	return err
}

// report notes how a call went.
func (r *Redis) report(ctx context.Context, err error) {
	if err == nil || errors.Is(err, redis.Nil) {
		if r.breaker.report(false) {
			r.logger.LogAttrs(ctx, slog.LevelInfo, "redis answers again")
		}
		return
	}
	r.pending.doubt()
	if r.breaker.report(true) {
		r.logger.LogAttrs(ctx, slog.LevelWarn, "redis does not answer, going without", slog.String("error", err.Error()))
	}
}

// probe asks a Redis that has not answered whether it does again, so that nobody has to wait for finding out.
func (r *Redis) probe(ctx context.Context) { r.report(ctx, r.client.Ping(ctx).Err()) }

// Get implements Bytes.
func (r *Redis) Get(ctx context.Context, key string) (value []byte, ok bool) {
	err := r.do(ctx, "GET", func(ctx context.Context) (err error) {
		value, err = r.client.Get(ctx, r.key("b:", key)).Bytes()
		return err
	})
	return value, err == nil
}

// Set implements Bytes.
func (r *Redis) Set(ctx context.Context, key string, value []byte, ttl time.Duration) {
	// A value that was not kept is a miss later; do has counted the failure.
	_ = r.do(ctx, "SET", func(ctx context.Context) error {
		return r.client.Set(ctx, r.key("b:", key), value, ttl).Err()
	})
}

// Delete implements Bytes.
func (r *Redis) Delete(ctx context.Context, key string) {
	// Plain values never change, so one that stays is merely old, and expires.
	_ = r.do(ctx, "DEL", func(ctx context.Context) error { return r.client.Del(ctx, r.key("b:", key)).Err() })
}

// Hit implements Counters.
func (r *Redis) Hit(ctx context.Context, key string, window time.Duration) (int64, error) {
	count, _, _ := r.count(ctx, key, window, 1)
	return count, nil
}

// Allow implements Counters.
func (r *Redis) Allow(ctx context.Context, key string, limit int64, window time.Duration) (bool, time.Duration) {
	held, n := r.shares.use(key, limit)
	if held {
		return true, 0
	}
	count, left, shared := r.count(ctx, key, window, n)
	if !shared {
		n = 1
	}
	// The last ones of a window may be fewer than were asked for.
	granted := min(n, limit-(count-n))
	if granted < 1 {
		return false, left
	}
	if shared {
		r.shares.keep(key, granted, left)
	}
	return true, 0
}

// count adds n hits to a counter, or one to this process's own while Redis is away; shared is false then.
func (r *Redis) count(ctx context.Context, key string, window time.Duration, n int64) (count int64, left time.Duration, shared bool) {
	var answer []int64
	err := r.do(ctx, "HIT", func(ctx context.Context) error {
		answers, err := r.evaluate(ctx, r.hit, call{r.key("c:", key), []any{max(window.Milliseconds(), 1), n}})
		if err == nil {
			answer, err = answers[0].Int64Slice()
		}
		return err
	})
	if err != nil || len(answer) != 2 {
		count, left = r.local.hit(key, window)
		return count, left, false
	}
	return answer[0], time.Duration(answer[1]) * time.Millisecond, true
}

// Ping implements Cache.
func (r *Redis) Ping(ctx context.Context) error {
	return r.do(ctx, "PING", func(ctx context.Context) error { return r.client.Ping(ctx).Err() })
}

// Close implements Cache.
func (r *Redis) Close() error { return errors.Join(r.local.Close(), r.client.Close()) }

func (r *Redis) key(kind, key string) string { return r.prefix + kind + key }
