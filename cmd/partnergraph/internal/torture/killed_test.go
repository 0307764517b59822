package torture_test

import (
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/cmd/testservers/servers"
)

// TestTortureKilledServer is R1: the server is killed at random moments under load and started again, while clients repeat,
// with its key, whatever they had no answer to.
func TestTortureKilledServer(t *testing.T) {
	eachDatabase(t, func(t *testing.T, databaseURL string) {
		began, kills := time.Now(), sized(10, 200)
		var l *load
		fill(t, databaseURL, func(w *apitest.World) { l = newLoad(t, w, sized(200, 4000)) })
		s := serve(t, databaseURL)
		l.run(s, sized(16, 160), func() {
			for range kills {
				l.busy(sized(40, 200))
				s.kill()
				s.start()
			}
		})
		figures := l.prove()
		t.Logf("R1 %s: %d kills, %s, %s", engine(databaseURL), kills, figures, time.Since(began).Round(time.Millisecond))
	})
}

// TestTortureKilledDatabase is R2: PostgreSQL and all its sessions are killed under 32 clients and it is started again on what
// it left. The server is left alone and must find back by itself.
func TestTortureKilledDatabase(t *testing.T) {
	began, kills := time.Now(), sized(2, 20)
	var own servers.Servers
	t.Cleanup(func() {
		if err := own.Stop(); err != nil {
			t.Error(err)
		}
	})
	database, err := own.Postgres(t.Context(), servers.PostgresOptions{Durable: true})
	if err != nil {
		t.Fatal(err)
	}
	var l *load
	fill(t, database.URL(), func(w *apitest.World) { l = newLoad(t, w, sized(200, 2000)) })
	s := serve(t, database.URL())
	l.run(s, 32, func() {
		for range kills {
			l.busy(sized(100, 1000))
			if err := database.Kill(); err != nil {
				t.Error(err)
			}
			if err := database.Start(t.Context()); err != nil {
				t.Errorf("%v\n%s", err, database.Log())
				return
			}
			s.ready()
		}
		l.busy(50)
	})
	if !s.running() {
		t.Errorf("the server ended:\n%s", s.log.String())
	}
	figures := l.prove()
	t.Logf("R2 postgres: %d kills, %s, %s", kills, figures, time.Since(began).Round(time.Millisecond))
}

func engine(databaseURL string) string {
	if databaseURL[0] == 's' {
		return "sqlite"
	}
	return "postgres"
}
