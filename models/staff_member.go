package models

import (
	"time"

	"github.com/uptrace/bun"
)

// StaffMember is a person that a partner dedicates to the cloud under a scheme (N07). Name, e-mail and national id are sealed; the latter two are found
// by blind indexes, so that a person is in one scheme only, whosever it is.
type StaffMember struct {
	bun.BaseModel `bun:"table:staff_members,alias:sfm"`

	ID          ID         `bun:"id,pk"`
	SchemeID    ID         `bun:"scheme_id"`
	PartnerID   ID         `bun:"partner_id"`
	Role        string     `bun:"role"`
	Certificate string     `bun:"certificate"` // what qualifies the person, in words
	From        Date       `bun:"from_day"`
	Until       Date       `bun:"until_day"` // inclusive
	Living      bool       `bun:"living"`    // false once removed, or when the scheme's year is over: the person may be in another scheme then
	NameSealed  []byte     `bun:"name_sealed" json:"-"`
	EmailSealed []byte     `bun:"email_sealed" json:"-"`
	IDSealed    []byte     `bun:"id_sealed" json:"-"`
	IDLastFour  string     `bun:"id_last_four"`
	IDBlind     string     `bun:"id_blind" json:"-"`
	EmailBlind  string     `bun:"email_blind" json:"-"`
	RemovedAt   *time.Time `bun:"removed_at"` // by the partner; nil = it was not
	CreatedAt   time.Time  `bun:"created_at"`
	UpdatedAt   time.Time  `bun:"updated_at"`

	Name  string `bun:"-"` // opened for whoever sees the person
	Email string `bun:"-"`
}

// NodeID returns the id to order by.
func (m StaffMember) NodeID() ID { return m.ID }

// DaysIn is how many days of a month the person is there.
func (m StaffMember) DaysIn(month BillingCycle) int {
	first, last := month.Begins(), month.Ends().AddDate(0, 0, -1)
	from, until := max(Date(first.Format(time.DateOnly)), m.From), min(Date(last.Format(time.DateOnly)), m.Until)
	if from > until {
		return 0
	}
	begin, err := time.Parse(time.DateOnly, string(from))
	if err != nil {
		return 0
	}
	end, err := time.Parse(time.DateOnly, string(until))
	if err != nil {
		return 0
	}
	return int(end.Sub(begin)/(24*time.Hour)) + 1
}
