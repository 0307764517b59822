package incentives_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/incentives"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// payer is an operator who may settle what partners are owed.
func payer() models.Principal {
	who := boss()
	who.KeyID = "key_operator"
	return who
}

// twin makes another account of the provider's company.
func (d *desk) twin() models.ID {
	d.t.Helper()
	d.Ledger = &ledger.Service{DB: d.DB, Now: d.Now, IDs: d.IDs}
	p := models.Partner{
		ID: d.IDs(models.PrefixPartner), Cloud: "sim", Kind: models.SolutionProvider, Name: "Twin", Level: models.LevelLeading, State: models.PartnerActive,
		Currency: models.CNY, CreatedAt: noon, UpdatedAt: noon,
	}
	d.insert(&p)
	for _, id := range []models.ID{d.provider, p.ID} {
		_, err := d.SetCompany(d.ctx, payer(), incentives.SetCompany{PartnerID: id, Country: "sg", RegistrationNumber: "9111 0000 ab12", Name: "One Company"})
		d.want(err, "")
	}
	return p.ID
}

func (d *desk) transfer(from, to models.ID, statements ...models.ID) (models.IncentiveTransfer, error) {
	d.bills++
	done, err := d.Transfer(d.ctx, payer(), incentives.TransferIncentives{
		FromPartnerID: from, ToPartnerID: to, StatementIDs: statements, CaseNumber: "CASE-1", Reason: "The account was bound to another system.",
		IdempotencyKey: fmt.Sprint("transfer ", d.bills),
	})
	return done.IncentiveTransfer, err
}

// statementsOf are all statements of a partner, own and received, oldest first; each equals what Recompute says of it.
func (d *desk) statementsOf(partner models.ID) []models.IncentiveStatement {
	d.t.Helper()
	var rows []models.IncentiveStatement
	d.want(d.DB.NewSelect().Model(&rows).Where("ist.partner_id = ?", partner).Order("ist.period", "ist.id").Scan(d.ctx), "")
	for _, row := range rows {
		again, _, err := d.Recompute(d.ctx, boss(), row.ID)
		d.want(err, "")
		if again.TotalMinor != row.TotalMinor || again.PerformanceMinor != row.PerformanceMinor {
			d.t.Errorf("worked out again: %+v, not %+v", again, row)
		}
	}
	return rows
}

// TestAnEstimateMovesLineByLine: what is left on the old account comes to nothing and says why, the new one earns by its own tier, what is given back
// later is the new one's, and the lines of the old account are all there.
func TestAnEstimateMovesLineByLine(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		twin := d.twin()
		d.load(policies)
		bought := d.spend(d.provider, "ecs", 60_000, d.at)
		d.count(bought, d.spend(d.provider, "cdn", 500, d.at), d.spend(twin, "ecs", 50_000, d.at))
		d.accrue()
		before, _ := d.statementOf(d.provider, "2026-11")
		done, err := d.transfer(d.provider, twin)
		d.want(err, "")
		if done.PerformanceMinor != 60_000 || done.TotalMinor != 0 {
			t.Errorf("%+v", done)
		}
		d.accrue()
		old, said := d.statementOf(d.provider, "2026-11")
		want := []string{
			"cdn NOT_ELIGIBLE 0 of 0 at 0 = 0 The product is not eligible.",
			"ecs EARNS 0 of 0 at 0.05 = 0 The performance was moved to another account of the company.",
		}
		if diff := cmp.Diff(want, said); diff != "" || old.ID != before.ID || old.PerformanceMinor != 0 || old.TotalMinor != 0 {
			t.Errorf("%+v\n%s", old, diff)
		}
		// 1,100.00 together reach the upper tier, which is capped less than they would bring.
		if young, said := d.statementOf(twin, "2026-11"); young.PerformanceMinor != 110_000 || young.TotalMinor != 8_800 {
			t.Errorf("%+v %v", young, said)
		}
		back := d.spend(d.provider, "ecs", -10_000, d.at)
		back.BaseID, back.Cause = bought.LineID, models.CauseRefund
		d.count(back)
		d.accrue()
		if young, said := d.statementOf(twin, "2026-11"); young.PerformanceMinor != 100_000 || young.TotalMinor != 8_000 {
			t.Errorf("after a refund: %+v %v", young, said)
		}
		_, err = d.transfer(d.provider, twin)
		d.want(err, "TRANSFER_NOTHING")
		_, err = d.transfer(d.provider, twin, old.ID)
		d.want(err, "TRANSFER_NOTHING")
		// There and back again: nothing is lost, and each line says what happened.
		_, err = d.transfer(twin, d.provider)
		d.want(err, "")
		d.accrue()
		if all, said := d.statementOf(d.provider, "2026-11"); all.PerformanceMinor != 100_000 || all.TotalMinor != 8_000 {
			t.Errorf("%+v %v", all, said)
		}
		if none, said := d.statementOf(twin, "2026-11"); none.TotalMinor != 0 || none.PerformanceMinor != 0 {
			t.Errorf("%+v %v", none, said)
		}
		found, err := d.FindPerformance(d.ctx, d.partner(d.provider, models.SolutionProvider), incentives.PerformanceFilter{}, models.PageArgs{})
		d.want(err, "")
		causes := map[models.ConsumptionCause]int{}
		for _, line := range found.Nodes() {
			causes[line.Cause]++
			if moved := line.Cause == models.CauseMovedOut || line.Cause == models.CauseMovedIn; moved != (line.Reason() != nil) && line.Rule.Counts() {
				t.Errorf("%+v says %v", line, line.Reason())
			}
		}
		// Two bought and taken off; four came back: those two, the twin's own, and the refund.
		if diff := cmp.Diff(map[models.ConsumptionCause]int{models.CausePurchase: 2, models.CauseMovedOut: 2, models.CauseMovedIn: 4}, causes); diff != "" {
			t.Error(diff)
		}
		d.sameSums()
	})
}

// sameSums fails the test unless the monthly sums are those of the lines.
func (d *desk) sameSums() {
	d.t.Helper()
	type sum struct {
		Partner models.ID `bun:"partner_id"`
		Period  string    `bun:"period"`
		Lines   int64     `bun:"lines"`
		Amount  int64     `bun:"amount"`
		Counted int64     `bun:"counted"`
	}
	var raw, kept []sum
	d.want(d.DB.NewSelect().Table("performance_lines").Column("partner_id", "period").ColumnExpr("COUNT(*) AS lines").
		ColumnExpr("CAST(SUM(amount_minor) AS BIGINT) AS amount").ColumnExpr("CAST(SUM(counted_minor) AS BIGINT) AS counted").
		Group("partner_id", "period").Order("partner_id", "period").Scan(d.ctx, &raw), "")
	d.want(d.DB.NewSelect().Table("performance_months").Column("partner_id", "period").ColumnExpr("CAST(SUM(lines) AS BIGINT) AS lines").
		ColumnExpr("CAST(SUM(amount_minor) AS BIGINT) AS amount").ColumnExpr("CAST(SUM(counted_minor) AS BIGINT) AS counted").
		Group("partner_id", "period").Order("partner_id", "period").Scan(d.ctx, &kept), "")
	if diff := cmp.Diff(raw, kept); diff != "" || len(raw) == 0 {
		d.t.Errorf("sums of the months: %s", diff)
	}
}

// TestAStatementThatStandsMovesWhole: the old account keeps it as it was and is not paid, the new one has the same to the cent, as far as it had come,
// beside its own of the same month; what comes back of it later is the new one's.
func TestAStatementThatStandsMovesWhole(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		twin := d.twin()
		d.load(policies)
		november := d.at
		bought := d.spend(d.provider, "ecs", 123_457, november)
		d.count(bought, d.spend(twin, "ecs", 20_000, november))
		d.moveTo(time.Date(2026, 12, 6, 0, 0, 0, 0, time.UTC))
		d.accrue()
		closed, said := d.statementOf(d.provider, "2026-11")
		_, err := d.Confirm(d.ctx, payer(), incentives.ConfirmStatement{StatementID: closed.ID})
		d.want(err, "")
		done, err := d.transfer(d.provider, twin, closed.ID)
		d.want(err, "")
		if done.PerformanceMinor != closed.PerformanceMinor || done.TotalMinor != closed.TotalMinor {
			t.Errorf("%+v", done)
		}
		d.accrue()
		old, still := d.statementOf(d.provider, "2026-11")
		if diff := cmp.Diff(said, still); diff != "" || old.Status != models.StatementTransferred || old.TotalMinor != closed.TotalMinor {
			t.Errorf("%+v\n%s", old, diff)
		}
		all := d.statementsOf(twin)
		i := slices.IndexFunc(all, func(s models.IncentiveStatement) bool { return s.OriginID == closed.ID })
		if len(all) != 2 || i < 0 || all[i].Status != models.StatementIssuing || all[i].TotalMinor != closed.TotalMinor || all[i].ConfirmedAt == nil || all[1-i].TotalMinor != 1000 {
			t.Fatalf("%+v", all)
		}
		lines, err := d.FindLinesForStatements(d.ctx, d.partner(twin, models.SolutionProvider), []models.ID{all[i].ID}, models.PageArgs{})
		d.want(err, "")
		if len(lines[all[i].ID].Edges) != len(said) {
			t.Errorf("%d lines came along, not %d", len(lines[all[i].ID].Edges), len(said))
		}
		for name, refused := range map[string]func() error{
			"STATEMENT_TRANSFERRED": func() error { _, err := d.transfer(d.provider, twin, closed.ID); return err },
			"TRANSFER_NOTHING":      func() error { _, err := d.transfer(d.provider, twin); return err },
		} {
			if got := models.ReasonOf(refused()); got != name {
				t.Errorf("%s, want %s", got, name)
			}
		}
		_, err = d.Complete(d.ctx, payer(), incentives.CompleteStatement{StatementID: closed.ID, Reference: "1"})
		d.want(err, "STATEMENT_TRANSFERRED")
		// What the customer gives back is the new account's, and again after the statement has moved once more.
		_, err = d.transfer(twin, d.provider, all[i].ID)
		d.want(err, "")
		if again := d.statementsOf(d.provider); len(again) != 2 || again[1].TotalMinor != closed.TotalMinor && again[0].TotalMinor != closed.TotalMinor {
			t.Errorf("%+v", again)
		}
		back := d.spend("", "ecs", -5_000, d.at)
		back.PartnerID, back.BaseID, back.Cause = twin, bought.LineID, models.CauseRefund
		d.count(back)
		d.accrue()
		if december, said := d.statementOf(d.provider, "2026-12"); december.PerformanceMinor != -5_000 {
			t.Errorf("%+v %v", december, said)
		}
		var told []models.EventType
		d.want(db.NewSelect().Model((*models.Event)(nil)).Column("ev.type").Where("ev.subject_id = ?", closed.ID).Order("ev.id").Scan(d.ctx, &told), "")
		if !slices.Contains(told, models.EventStatementTransferred) {
			t.Errorf("%v", told)
		}
		d.sameSums()
	})
}

// TestTransfersAreSeenByBothSides, and by nobody else; a key answers again and moves once.
func TestTransfersAreSeenByBothSides(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		twin := d.twin()
		d.load(policies)
		d.count(d.spend(d.provider, "ecs", 10_000, d.at))
		cmd := incentives.TransferIncentives{FromPartnerID: d.provider, ToPartnerID: twin, CaseNumber: "CASE-7", Reason: "Rebound.", IdempotencyKey: "once"}
		first, err := d.Transfer(d.ctx, payer(), cmd)
		d.want(err, "")
		again, err := d.Transfer(d.ctx, payer(), cmd)
		d.want(err, "")
		if first.IncentiveTransfer.ID != again.IncentiveTransfer.ID {
			t.Error("the key moved twice")
		}
		for who, want := range map[*models.Principal]int{
			ptr(d.partner(d.provider, models.SolutionProvider)): 1, ptr(d.partner(twin, models.SolutionProvider)): 1, ptr(boss()): 1,
			ptr(d.partner(d.distributor, models.Distributor)): 0,
		} {
			found, err := d.FindTransfers(d.ctx, *who, incentives.TransferFilter{}, models.PageArgs{})
			d.want(err, "")
			named, err := d.FindTransfers(d.ctx, *who, incentives.TransferFilter{PartnerID: &twin}, models.PageArgs{})
			d.want(err, "")
			if knows := who.SeesAll() || who.PartnerID == twin; len(named.Edges) != 0 != knows {
				t.Errorf("%s finds %d by the other account", who.PartnerID, len(named.Edges))
			}
			items, err := d.ItemsFor(d.ctx, *who, []models.ID{first.IncentiveTransfer.ID})
			d.want(err, "")
			byID, err := d.TransfersByIDs(d.ctx, *who, []models.ID{first.IncentiveTransfer.ID})
			d.want(err, "")
			if got := []int{len(found.Edges), len(items[first.IncentiveTransfer.ID]), len(byID)}; !cmp.Equal(got, []int{want, want, want}) {
				t.Errorf("%s sees %v", who.PartnerID, got)
			}
			for _, item := range items[first.IncentiveTransfer.ID] {
				if item.Lines != 1 || item.Status != models.StatementEstimated || item.PerformanceMinor != 10_000 {
					t.Errorf("%+v", item)
				}
			}
		}
		for partner, what := range map[models.ID]models.EventType{d.provider: models.EventIncentivesTransferred, twin: models.EventIncentivesReceived} {
			n, err := db.NewSelect().Model((*models.Event)(nil)).Where("ev.partner_id = ? AND ev.type = ?", partner, what).Count(d.ctx)
			d.want(err, "")
			if n != 1 {
				t.Errorf("%d events %s", n, what)
			}
		}
	})
}

func ptr[T any](v T) *T { return &v }

// TestTransfersAreRefused, and nothing changes.
func TestTransfersAreRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		twin := d.twin()
		other := func(change func(*models.Partner)) models.ID {
			p := models.Partner{
				ID: d.IDs(models.PrefixPartner), Cloud: "sim", Kind: models.SolutionProvider, Name: "Other", Level: models.LevelLeading, State: models.PartnerActive,
				Currency: models.CNY, CreatedAt: noon, UpdatedAt: noon,
			}
			change(&p)
			d.insert(&p)
			if p.Name != "unknown company" {
				_, err := d.SetCompany(d.ctx, payer(), incentives.SetCompany{PartnerID: p.ID, Country: "SG", RegistrationNumber: "91110000AB12", Name: "One Company"})
				d.want(err, "")
			}
			return p.ID
		}
		d.load(policies)
		d.count(d.spend(d.provider, "ecs", 10_000, d.at))
		d.accrue()
		open, _ := d.statementOf(d.provider, "2026-11")
		paid := d.statement(d.provider, "2026-09", 1)
		dollars, _, err := d.put(models.IncentiveStatement{
			PartnerID: d.provider, Period: "2026-10", Status: models.StatementIssuing, Currency: models.USD, PerformanceMinor: 0, TotalMinor: 0,
		})
		d.want(err, "")
		theirs := d.statement(twin, "2026-09", 1)
		abroad := other(func(p *models.Partner) { p.Currency = models.USD })
		for name, tt := range map[string]struct {
			to         models.ID
			statements []models.ID
			want       string
		}{
			"to itself":              {d.provider, nil, "TRANSFER_TO_ITSELF"},
			"to a distributor":       {d.distributor, nil, "TRANSFER_KIND"},
			"another company":        {other(func(p *models.Partner) { p.Name = "unknown company" }), nil, "TRANSFER_COMPANY"},
			"another legal entity":   {other(func(p *models.Partner) { p.SigningEntity = "Another" }), nil, "TRANSFER_SIGNING_ENTITY"},
			"another cloud":          {other(func(p *models.Partner) { p.Cloud = "another" }), nil, "TRANSFER_SIGNING_ENTITY"},
			"another currency":       {abroad, nil, "TRANSFER_CURRENCY"},
			"a statement in dollars": {twin, []models.ID{dollars.ID}, "TRANSFER_CURRENCY"},
			"what was paid":          {twin, []models.ID{open.ID, paid.ID}, "STATEMENT_DONE"},
			"another's":              {twin, []models.ID{theirs.ID}, "NOT_FOUND"},
			"nobody's":               {"par_01h455vb4pex5vsknk084sn02q", nil, "NOT_FOUND"},
			"no account":             {open.ID, nil, "INVALID"},
			"twice":                  {twin, []models.ID{open.ID, open.ID}, "INVALID"},
			"none":                   {twin, []models.ID{}, "INVALID"},
		} {
			done, err := d.Transfer(d.ctx, payer(), incentives.TransferIncentives{
				FromPartnerID: d.provider, ToPartnerID: tt.to, StatementIDs: tt.statements, CaseNumber: "C", Reason: "R", IdempotencyKey: name,
			})
			got := models.ReasonOf(err)
			if got == "" {
				got = string(models.CodeOf(err))
			}
			if got != tt.want || done.IncentiveTransfer.ID != "" {
				t.Errorf("%s: %s (%v), want %s", name, got, err, tt.want)
			}
		}
		for field, cmd := range map[string]incentives.TransferIncentives{
			"caseNumber": {Reason: "R", IdempotencyKey: "k"}, "reason": {CaseNumber: "C", IdempotencyKey: "k"}, "idempotencyKey": {CaseNumber: "C", Reason: "R"},
		} {
			cmd.FromPartnerID, cmd.ToPartnerID = d.provider, twin
			_, err := d.Transfer(d.ctx, payer(), cmd)
			if e := models.AsError(err); e == nil || e.Field != field {
				t.Errorf("%s: %v", field, err)
			}
		}
		for field, cmd := range map[string]incentives.SetCompany{
			"partnerId": {PartnerID: open.ID}, "country": {PartnerID: twin, Country: "China"}, "registrationNumber": {PartnerID: twin, Country: "CN", RegistrationNumber: "é"},
			"name": {PartnerID: twin, Country: "SG", RegistrationNumber: "12345"},
		} {
			_, err := d.SetCompany(d.ctx, payer(), cmd)
			if e := models.AsError(err); e == nil || e.Field != field {
				t.Errorf("%s: %v", field, err)
			}
		}
		_, err = d.SetCompany(d.ctx, payer(), incentives.SetCompany{PartnerID: "par_01h455vb4pex5vsknk084sn02q", Country: "SG", RegistrationNumber: "12345", Name: "X"})
		d.want(err, "NOT_FOUND")
		own := d.partner(d.provider, models.SolutionProvider)
		own.Permissions = models.AllPermissions()
		for _, who := range []models.Principal{own, d.partner(d.provider, models.SolutionProvider)} {
			_, err := d.Transfer(d.ctx, who, incentives.TransferIncentives{FromPartnerID: d.provider, ToPartnerID: twin, CaseNumber: "C", Reason: "R", IdempotencyKey: "mine"})
			d.want(err, "FORBIDDEN")
			_, err = d.SetCompany(d.ctx, who, incentives.SetCompany{PartnerID: d.provider, Country: "SG", RegistrationNumber: "12345", Name: "X"})
			d.want(err, "FORBIDDEN")
		}
		company, err := d.Company(d.ctx, own, nil)
		d.want(err, "")
		if company == nil || company.RegistrationNumber != "91110000AB12" || company.Name != "One Company" {
			t.Errorf("%+v", company)
		}
		_, err = d.Company(d.ctx, own, &twin)
		d.want(err, "NOT_FOUND")
		if nobody, err := d.Company(d.ctx, boss(), &d.reseller); err != nil || nobody != nil {
			t.Errorf("%+v %v", nobody, err)
		}
		var transfers, lines int
		for table, n := range map[string]*int{"incentive_transfers": &transfers, "performance_lines": &lines} {
			count, err := db.NewSelect().Table(table).Count(d.ctx)
			d.want(err, "")
			*n = int(count)
		}
		if transfers != 0 || lines != 1 {
			t.Errorf("%d transfers and %d lines", transfers, lines)
		}
	})
}
