package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"slices"
	"sync"
	"time"
)

// Run serves until ctx is done, then lets requests in flight finish for at most ShutdownTimeout, stops the background
// jobs, and closes everything. ready, when not nil, is called once with the address that is served.
func (a *App) Run(ctx context.Context, ready func(net.Addr)) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", a.cfg.Listen)
	if err != nil {
		return fmt.Errorf("setting listen: %w", err)
	}
	return a.Serve(ctx, listener, ready)
}

// Serve is Run on a listener that is already open; it is closed at the end.
func (a *App) Serve(ctx context.Context, listener net.Listener, ready func(net.Addr)) error {
	jobs, stopJobs := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	for _, job := range a.jobs {
		running.Go(func() { job(jobs) })
	}
	server := &http.Server{
		Handler: a.Handler, ErrorLog: slog.NewLogLogger(a.Log.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		// From the end of the header: the body, the operation, and a reader who takes his time.
		WriteTimeout: time.Minute + a.cfg.OperationTimeout,
	}
	closeSides, err := a.serveSides(ctx)
	if err != nil {
		stopJobs()
		return errors.Join(err, closeSides(), listener.Close())
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	a.Log.InfoContext(ctx, "serving", slog.String("addr", listener.Addr().String()), slog.String("public_url", a.cfg.PublicURL))
	if ready != nil {
		ready(listener.Addr())
	}

	// Either the server fails, or somebody wants it to stop.
	select {
	case err = <-failed:
	case <-ctx.Done():
		a.health.draining.Store(true)
		if a.cfg.ShutdownDelay > 0 {
			time.Sleep(a.cfg.ShutdownDelay)
		}
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.cfg.ShutdownTimeout)
		defer cancel()
		// Streams would go on for as long as their clients like. They are told, while requests in flight finish.
		a.Rooms.Funds.EndWatches()
		a.Rooms.Orders.EndWatches()
		a.Rooms.Resources.EndWatches()
		go a.streams.end()
		err = server.Shutdown(grace)
		a.streams.wait(grace)
		if errors.Is(err, context.DeadlineExceeded) {
			err = errors.Join(errors.New("requests in flight did not finish in time"), server.Close())
		}
	}
	stopJobs()
	running.Wait()
	err = errors.Join(err, closeSides())
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return err
}

// serveSides opens the separate addresses for /metrics and for profiles, those of them that are set. Call what it returns
// at the end, also when it fails.
func (a *App) serveSides(ctx context.Context) (closeAll func() error, err error) {
	var servers []*http.Server
	closeAll = func() error {
		var errs []error
		for _, server := range servers {
			errs = append(errs, server.Close())
		}
		return errors.Join(errs...)
	}
	for _, side := range []struct {
		setting, addr string
		mux           *http.ServeMux
	}{
		{"metrics-listen", a.cfg.MetricsListen, a.metricsMux()},
		{"pprof-listen", a.cfg.PprofListen, profiles()},
	} {
		if side.addr == "" {
			continue
		}
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", side.addr)
		if err != nil {
			return closeAll, fmt.Errorf("setting %s: %w", side.setting, err)
		}
		server := &http.Server{Handler: side.mux, ReadHeaderTimeout: 5 * time.Second}
		servers = append(servers, server)
		go func() {
			if err := server.Serve(listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
				a.Log.Error("side server stopped", slog.String("setting", side.setting), slog.Any("error", err))
			}
		}()
	}
	return closeAll, nil
}

func (a *App) metricsMux() *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", a.metrics.handler())
	return mux
}

// profiles are what net/http/pprof offers of this process.
func profiles() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

// Close releases the database, the cache and the trace exporter. Call it after Run.
func (a *App) Close() error {
	var errs []error
	for _, closer := range slices.Backward(a.closers) {
		errs = append(errs, closer())
	}
	return errors.Join(errs...)
}
