package models_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
)

// TestAnAlertCrossesOncePerFall is M09: the edge is told, the state is not.
func TestAnAlertCrossesOncePerFall(t *testing.T) {
	t.Parallel()
	type step struct {
		ask       int64 // a new threshold; 0 = none
		off       bool
		available int64
	}
	for name, tt := range map[string]struct {
		steps []step
		want  []bool // whether each step is a crossing
		state models.BalanceAlertState
	}{
		"at the threshold is not below":          {[]step{{ask: 100, available: 100}}, []bool{false}, models.AlertArmed},
		"set above the balance":                  {[]step{{ask: 100, available: 99}}, []bool{true}, models.AlertTriggered},
		"falling further says nothing":           {[]step{{ask: 100, available: 99}, {available: 1}}, []bool{true, false}, models.AlertTriggered},
		"back above arms again":                  {[]step{{ask: 100, available: 99}, {available: 100}}, []bool{true, false}, models.AlertArmed},
		"and the second fall is told":            {[]step{{ask: 100, available: 99}, {available: 100}, {available: 99}}, []bool{true, false, true}, models.AlertTriggered},
		"a higher threshold while below":         {[]step{{ask: 100, available: 99}, {ask: 200, available: 99}}, []bool{true, false}, models.AlertTriggered},
		"a lower threshold arms":                 {[]step{{ask: 100, available: 99}, {ask: 50, available: 99}}, []bool{true, false}, models.AlertArmed},
		"switched off":                           {[]step{{ask: 100, off: true, available: 1}}, []bool{false}, models.AlertArmed},
		"switched off and on again looks afresh": {[]step{{ask: 100, available: 1}, {ask: 100, off: true, available: 1}, {ask: 100, available: 1}}, []bool{true, false, true}, models.AlertTriggered},
		"debt":                                   {[]step{{ask: 1, available: -5}}, []bool{true}, models.AlertTriggered},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var alert models.BalanceAlert
			var got []bool
			for i, step := range tt.steps {
				now := time.Date(2026, 11, 21, 12, i, 0, 0, time.UTC)
				if step.ask != 0 {
					alert = alert.Ask(step.ask, !step.off, now)
				}
				before := alert
				var crossed bool
				alert, crossed = alert.See(step.available, now)
				got = append(got, crossed)
				if crossed && (alert.TriggeredAt == nil || !alert.TriggeredAt.Equal(now)) {
					t.Errorf("step %d: triggered at %v, want %v", i, alert.TriggeredAt, now)
				}
				if changed := !cmp.Equal(before, alert); changed != (alert.Version == before.Version+1) {
					t.Errorf("step %d: version %d to %d, changed %t", i, before.Version, alert.Version, changed)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || alert.State != tt.state {
				t.Errorf("%s (-want +got):\n%s", alert.State, diff)
			}
		})
	}
}
