package seed

import (
	"fmt"
	"runtime"
	"time"

	"github.com/partnergraph/partnergraph/models"
)

// Options say how large the network is and what it is made from. The zero value of a field means the default named with it.
type Options struct {
	Partners      int // 1 or more; default 100: 10 % distributors, 30 % their cloud resellers, 60 % solution providers
	Customers     int // 1 or more; default 100,000; at least as many as partners
	Orders        int // default 1,000,000; a fifth of them are the largest partner's
	ItemsPerOrder int // 1 to 16; default 2: a server and its disk; further ones are more disks

	// Seed makes one network differ from the next; 0 is a seed like any other. The same options give the same rows.
	Seed uint64
	// Start and End bound every time in the data, at least 30 days apart, with microseconds; the defaults are
	// 2024-11-01 and 2026-11-01, 00:00 UTC. What End leaves unfinished is what a storefront would see open at that moment.
	Start, End time.Time

	Cloud    string          // code of the cloud that everybody sells; default hws
	Currency models.Currency // default CNY

	Batch   int // orders, customers or partners per transaction, 1 to 100,000; default 5,000; it does not change the rows
	Workers int // chunks in flight; default one per processor, 4 at most; it does not change the rows

	// Progress is told how much of a stage is stored, from one goroutine at a time; nil tells nobody. See Bar.
	Progress func(stage string, done, total int64)

	// SealPersonal encrypts one value of a customer for the column and row that context names, as in "customers.email:cus_...",
	// which is how sales/customers opens it; it is called from several goroutines. Nil leaves real names, e-mail addresses and telephone numbers out. Sealing is
	// usually randomised, so sealed columns are the only ones that differ between two runs.
	SealPersonal func(plain []byte, context string) []byte
	// BlindEmail makes the digest by which sales/customers finds a customer by its e-mail address, which comes in lower case; nil
	// leaves it out. Used with SealPersonal only.
	BlindEmail func(email string) string
}

const (
	defaultPartners  = 100
	defaultCustomers = 100_000
	defaultOrders    = 1_000_000
	defaultItems     = 2
	defaultBatch     = 5_000

	maxItems  = 16
	maxBatch  = 100_000
	shortest  = 30 * 24 * time.Hour
	maxNumber = 1_000_000_000 // keeps row numbers apart in the generator's streams
)

func (o Options) withDefaults() Options {
	o.Partners = or(o.Partners, defaultPartners)
	o.Customers = or(o.Customers, defaultCustomers)
	o.Orders = or(o.Orders, defaultOrders)
	o.ItemsPerOrder = or(o.ItemsPerOrder, defaultItems)
	o.Start = or(o.Start, time.Date(2024, time.November, 1, 0, 0, 0, 0, time.UTC)).UTC().Truncate(time.Microsecond)
	o.End = or(o.End, time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)).UTC().Truncate(time.Microsecond)
	o.Cloud = or(o.Cloud, "hws")
	o.Currency = or(o.Currency, models.CNY)
	o.Batch = or(o.Batch, defaultBatch)
	o.Workers = or(o.Workers, min(runtime.GOMAXPROCS(0), 4))
	return o
}

func (o Options) check() error {
	for _, size := range []struct {
		field         string
		value, lo, hi int
	}{
		{"partners", o.Partners, 1, maxNumber},
		{"customers", o.Customers, o.Partners, maxNumber},
		{"orders", o.Orders, 1, maxNumber},
		{"itemsPerOrder", o.ItemsPerOrder, 1, maxItems},
		{"batch", o.Batch, 1, maxBatch},
		{"workers", o.Workers, 1, 64},
	} {
		if size.value < size.lo || size.value > size.hi {
			return models.Invalid(size.field, fmt.Sprintf("%s must be from %d to %d.", size.field, size.lo, size.hi))
		}
	}
	if o.End.Sub(o.Start) < shortest {
		return models.Invalid("end", "The end must be at least 30 days after the start.")
	}
	if !o.Currency.Valid() {
		return models.Invalid("currency", "The currency must be CNY or USD.")
	}
	return nil
}

func or[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}
