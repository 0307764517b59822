package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/felixge/httpsnoop"
	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

type requestInfo struct {
	id   string
	addr string
	more *[]slog.Attr // for the request's line in the log
}

type requestInfoKey struct{}

func infoOf(ctx context.Context) requestInfo {
	info, _ := ctx.Value(requestInfoKey{}).(requestInfo)
	return info
}

// annotate adds to the line that the log gets for the request of this context, and reports whether it will get one.
func annotate(ctx context.Context, attrs ...slog.Attr) bool {
	info := infoOf(ctx)
	if info.more == nil {
		return false
	}
	*info.more = append(*info.more, attrs...)
	return true
}

// identify gives every request an id, answers with it, and finds the caller's address. An id that a trusted proxy sent is kept.
func identify(proxies []netip.Prefix, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		addr, viaProxy := clientAddr(r, proxies)
		id := ""
		if sent := r.Header.Get("X-Request-ID"); viaProxy && len(sent) <= 64 && isToken(sent) {
			id = sent
		}
		if id == "" {
			id = strings.ReplaceAll(uuid.Must(uuid.NewV7()).String(), "-", "")
		}
		w.Header().Set("X-Request-ID", id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestInfoKey{}, requestInfo{id: id, addr: addr, more: new([]slog.Attr)})))
	})
}

func isToken(s string) bool {
	for _, c := range s {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' && c != '_' {
			return false
		}
	}
	return s != ""
}

// clientAddr believes X-Forwarded-For only from trusted proxies, and takes its last untrusted address.
func clientAddr(r *http.Request, proxies []netip.Prefix) (addr string, viaProxy bool) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr, false
	}
	if !within(host, proxies) {
		return host, false
	}
	// Some proxies add a header line of their own instead of extending the one that the caller sent: all lines are one list.
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, sent := range slices.Backward(hops) {
		hop, err := netip.ParseAddr(strings.TrimSpace(sent))
		if err != nil {
			break
		}
		if !within(hop.String(), proxies) {
			return hop.String(), true
		}
	}
	return host, true
}

func within(host string, prefixes []netip.Prefix) bool {
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	for _, prefix := range prefixes {
		if prefix.Contains(addr.Unmap()) {
			return true
		}
	}
	return false
}

// logged writes one line per request: never a query string, a header or a body, because they carry secrets and people.
func logged(log *slog.Logger, metrics *httpMetrics, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := httpsnoop.CaptureMetrics(next, w, r)
		route := routeOf(r)
		method := knownMethod(r.Method)
		if r.Header.Get("Upgrade") == "" && w.Header().Get("Content-Type") != "text/event-stream" { // which last as long as their clients like
			metrics.observe(route, method, seen.Code, seen.Duration)
		}
		if span := trace.SpanFromContext(r.Context()); span.IsRecording() {
			span.SetName(method + " " + route)
			span.SetAttributes(attribute.String("http.route", route), attribute.String("request_id", infoOf(r.Context()).id))
		}
		level := slog.LevelInfo
		if route == "/healthz" || route == "/readyz" || route == "/metrics" {
			level = slog.LevelDebug
		}
		info := infoOf(r.Context())
		attrs := []slog.Attr{
			slog.String("request_id", info.id), slog.String("method", method), slog.String("route", route),
			slog.Int("status", seen.Code), slog.Int64("bytes", seen.Written), slog.Float64("duration_ms", float64(seen.Duration)/float64(time.Millisecond)),
			slog.String("remote_addr", info.addr),
		}
		if info.more != nil {
			attrs = append(attrs, *info.more...)
		}
		log.LogAttrs(r.Context(), level, "request", attrs...)
	})
}

// knownMethod keeps invented methods from multiplying metrics.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "OTHER"
}

// routeOf names the route by the pattern that matched, so that ids do not multiply log lines and metrics.
func routeOf(r *http.Request) string {
	if r.Pattern == "" {
		return "unmatched"
	}
	_, path, found := strings.Cut(r.Pattern, " ")
	if !found {
		path = r.Pattern
	}
	return path
}

// recovered turns a panic below into a plain 500 with the request id.
func recovered(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil {
				if aborted, ok := p.(error); ok && errors.Is(aborted, http.ErrAbortHandler) {
					panic(p)
				}
				id := infoOf(r.Context()).id
				log.ErrorContext(r.Context(), "panic in a handler", slog.String("request_id", id), slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
				http.Error(w, fmt.Sprintf("Something went wrong here. Tell support the request id %s.", id), http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// hardened sets the headers that hold for every answer; pages add a content security policy of their own.
func hardened(https bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		if h.Get("Content-Security-Policy") == "" {
			h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		}
		if https {
			h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
		}
		next.ServeHTTP(w, r)
	})
}
