package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
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
	metrics, err := a.serveMetrics(ctx)
	if err != nil {
		stopJobs()
		return errors.Join(err, listener.Close())
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
		go a.streams.end()
		err = server.Shutdown(grace)
		a.streams.wait(grace)
		if errors.Is(err, context.DeadlineExceeded) {
			err = errors.Join(errors.New("requests in flight did not finish in time"), server.Close())
		}
	}
	stopJobs()
	running.Wait()
	if metrics != nil {
		err = errors.Join(err, metrics.Close())
	}
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return err
}

// serveMetrics opens the separate address for /metrics, if there is one.
func (a *App) serveMetrics(ctx context.Context) (*http.Server, error) {
	if a.cfg.MetricsListen == "" {
		return nil, nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", a.cfg.MetricsListen)
	if err != nil {
		return nil, fmt.Errorf("setting metrics-listen: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", a.metrics.handler())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		if err := server.Serve(listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			a.Log.Error("metrics server stopped", slog.Any("error", err))
		}
	}()
	return server, nil
}

// Close releases the database, the cache and the trace exporter. Call it after Run.
func (a *App) Close() error {
	var errs []error
	for _, closer := range slices.Backward(a.closers) {
		errs = append(errs, closer())
	}
	return errors.Join(errs...)
}
