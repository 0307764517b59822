package process

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
)

// Main carries a bench out as the program of this name, until it is done or interrupted, and ends the program with 1 when it failed. Asking
// for help is no failure.
func Main(name string, run func(ctx context.Context) error) {
	// Linux ends the servers when the thread that started them ends, so that thread must be the one that stays.
	runtime.LockOSThread()
	// As partnergraph does, whose rooms some shapes carry in this process.
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(400)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, name+":", err)
		os.Exit(1)
	}
}

// Profile keeps in a file what the processor does for so many seconds in the program that answers pprof at the address.
func Profile(ctx context.Context, address string, seconds int, file string) error {
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", address, seconds), http.NoBody)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(ask)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	return os.WriteFile(file, raw, 0o644) //nolint:gosec // nothing secret is in it
}
