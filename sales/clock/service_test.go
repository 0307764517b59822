package clock_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/clock"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/jobs"
	"github.com/partnergraph/partnergraph/store/storetest"
)

func TestOnlyOperatorsSeeAndChangeJobsAndThatIsRecorded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		now := func() time.Time { return time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC) }
		engine, err := jobs.New(jobs.Options{DB: db, Logger: slog.New(slog.DiscardHandler), Now: now})
		if err != nil {
			t.Fatal(err)
		}
		s := &clock.Service{DB: db, Jobs: engine, Events: &events.Recorder{IDs: models.RandomIDs(), Now: now}}
		ctx := t.Context()
		err = db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			return engine.ScheduleIn(ctx, tx, models.JobOrderExpire, models.RandomIDs()(models.PrefixOrder), now().Add(time.Hour))
		})
		if err != nil {
			t.Fatal(err)
		}
		operator := models.Principal{Kind: models.Operator, Permissions: models.AllPermissions()}
		found, err := s.Find(ctx, operator, clock.JobFilter{}, models.PageArgs{})
		if err != nil || len(found.Edges) != 1 {
			t.Fatalf("%d jobs, %v", len(found.Edges), err)
		}
		cmd := clock.JobCommand{JobID: found.Edges[0].Node.ID}

		narrow := operator
		narrow.Permissions = []models.Permission{models.ReadOrders}
		partner := models.Principal{Kind: models.PartnerKey, PartnerID: models.RandomIDs()(models.PrefixPartner), Permissions: models.AllPermissions()}
		for name, c := range map[string]struct {
			who  models.Principal
			code models.Code
		}{"nobody": {models.Principal{}, models.CodeUnauthenticated}, "an operator without the right": {narrow, models.CodeForbidden}, "a partner with it": {partner, models.CodeForbidden}} {
			_, findErr := s.Find(ctx, c.who, clock.JobFilter{}, models.PageArgs{})
			_, lookErr := s.ByIDs(ctx, c.who, []models.ID{cmd.JobID})
			_, rerunErr := s.Rerun(ctx, c.who, cmd)
			_, cancelErr := s.Cancel(ctx, c.who, cmd)
			for _, err := range []error{findErr, lookErr, rerunErr, cancelErr} {
				if models.CodeOf(err) != c.code {
					t.Errorf("%s: %v, want %s", name, err, c.code)
				}
			}
		}
		if _, err := s.Find(ctx, operator, clock.JobFilter{Kinds: []models.JobKind{"nonsense"}}, models.PageArgs{}); models.CodeOf(err) != models.CodeInvalid {
			t.Errorf("an unknown kind: %v", err)
		}

		if changed, err := s.Cancel(ctx, operator, cmd); err != nil || changed.Job.State != models.JobCancelled {
			t.Errorf("cancelled: %+v, %v", changed, err)
		}
		if _, err := s.Cancel(ctx, operator, cmd); models.ReasonOf(err) != "JOB_FINISHED" {
			t.Errorf("cancelled twice: %v", err)
		}
		if changed, err := s.Rerun(ctx, operator, cmd); err != nil || changed.Job.State != models.JobDue {
			t.Errorf("again: %+v, %v", changed, err)
		}
		var kept []models.Event
		if err := db.NewSelect().Model(&kept).Where("subject_id = ?", cmd.JobID).Order("id").Scan(ctx); err != nil || len(kept) != 2 {
			t.Fatalf("%d events, %v", len(kept), err)
		}
		if kept[0].Type != models.EventJobCancelled || kept[1].Type != models.EventJobRerun || *kept[0].Changes[0].After != "CANCELLED" {
			t.Errorf("recorded %+v", kept)
		}
	})
}
