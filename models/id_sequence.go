package models

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// IDSequence makes ids that sort in the order in which they are made, which UUIDs of one millisecond do not promise: the time, then a
// counter of 26 bits where a UUIDv7 has randomness, then a digest of what the rows belong to. It is not safe for concurrent use.
type IDSequence struct {
	at time.Time
	of [sha256.Size]byte
	n  uint32
}

// NewIDSequence begins the ids of rows that were made at a moment and belong to something with an id of its own.
func NewIDSequence(at time.Time, of string) *IDSequence {
	return &IDSequence{at: at, of: sha256.Sum256([]byte(of))}
}

// Next returns the next id. It panics for an ill-formed prefix, which is a constant.
func (s *IDSequence) Next(prefix string) ID {
	var uuid [16]byte
	binary.BigEndian.PutUint64(uuid[:8], uint64(s.at.UnixMilli())<<16)
	uuid[6], uuid[7] = 0x70|byte(s.n>>22&0x0f), byte(s.n>>14)
	uuid[8], uuid[9] = 0x80|byte(s.n>>8&0x3f), byte(s.n)
	copy(uuid[10:], s.of[:6])
	s.n++
	id, err := IDFromUUID(prefix, uuid)
	if err != nil {
		panic(err)
	}
	return id
}
