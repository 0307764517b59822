package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"math/rand/v2"
)

// connector opens SQLite connections without going through the process-wide registry of drivers.
type connector struct {
	dsn    string
	driver driver.Driver
}

var _ driver.Connector = connector{}

// Connect opens one connection.
func (c connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }

// Driver returns the driver.
func (c connector) Driver() driver.Driver { return c.driver }

func joinClose(err error, c io.Closer) error { return errors.Join(err, c.Close()) }

// jitter spreads retries; it guards nothing, so the ordinary generator serves.
func jitter() float64 { return rand.Float64() }
