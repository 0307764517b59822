package seed

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/partnergraph/partnergraph/models"
)

// stream names an independent sequence of random numbers for each row of one kind.
type stream uint64

const (
	partnerStream stream = iota + 1
	customerStream
	customerDetails
	openingStream
	accountStream
	orderStream
	buyerStream
	orderDetails
	statementStream
)

// dice is the generator's randomness: rolled anew for every row, from the seed, the kind of row and its number, so that a
// row does not depend on which rows were made before it or by whom. It is not safe for concurrent use.
type dice struct {
	seed uint64
	pcg  rand.PCG
}

// roll starts the sequence of the n-th row of a kind.
func (d *dice) roll(kind stream, n int) {
	d.pcg.Seed(d.seed, scramble(uint64(kind)<<56|uint64(n)))
}

// scramble is the finaliser of splitmix64: neighbouring rows start from states that have nothing in common.
func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// below returns a number from 0 to n-1. The bias of the remainder is far below what any measurement here could see.
func (d *dice) below(n int) int { return int(d.pcg.Uint64() % uint64(n)) }

// percent is true in p of 100 cases.
func (d *dice) percent(p int) bool { return d.below(100) < p }

// upTo returns a duration from 0 to limit in whole microseconds.
func (d *dice) upTo(limit time.Duration) time.Duration {
	return time.Duration(d.below(int(limit/time.Microsecond)+1)) * time.Microsecond
}

// id makes a TypeID around a UUIDv7 of the instant. Microseconds go where RFC 9562 lets a sub-millisecond fraction go, so
// ids of one kind sort by creation as long as the instants differ.
func (d *dice) id(prefix string, at time.Time) models.ID {
	uuid := d.uuid(at)
	id, err := models.IDFromUUID(prefix, uuid)
	if err != nil { // only an ill-formed prefix, which the constants of models are not
		panic(fmt.Sprintf("seed: prefix %q: %v", prefix, err))
	}
	return id
}

func (d *dice) uuid(at time.Time) [16]byte {
	micros := at.UnixMicro()
	var uuid [16]byte
	binary.BigEndian.PutUint64(uuid[:8], uint64(micros/1000)<<16|0x7000|uint64(micros%1000)*4)
	binary.BigEndian.PutUint64(uuid[8:], d.pcg.Uint64()>>2|0x8000000000000000)
	return uuid
}

// span spreads n rows evenly and in order over a stretch of time.
type span struct {
	from time.Time
	step int64 // microseconds between two rows, at least 1
}

func spread(n int, from, to time.Time) span {
	return span{from: from, step: max(to.Sub(from).Microseconds()/int64(n), 1)}
}

// at returns the instant of the i-th row: somewhere in its own step, so that rows stay in order.
func (s span) at(i int, d *dice) time.Time {
	return s.from.Add(time.Duration(int64(i)*s.step+int64(d.pcg.Uint64()%uint64(s.step))) * time.Microsecond)
}

// before returns how many rows, counted from the first, are certain to lie before t.
func (s span) before(t time.Time) int {
	return int(max(t.Sub(s.from).Microseconds()/s.step, 0))
}

func pick[T any](d *dice, from []T) T { return from[d.below(len(from))] }
