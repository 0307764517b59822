package app_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app"
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/demo"
	"github.com/partnergraph/partnergraph/sales/federation"
)

// until waits for what a background job does soon after the start.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not in time: " + what)
		}
	}
}

func TestExpiringKeysAreSaidInMetricsLogAndAPI(t *testing.T) {
	t.Parallel()
	url := worldURL(t)
	first := serve(t, settings(url), app.Options{})
	served := first.ask(t, "GET", "/saml/sp/"+demo.PlatformID+"/metadata", "")
	if served.status != 200 || !strings.Contains(served.body, `cacheDuration="PT1H"`) || federation.MetadataCacheTime != time.Hour {
		t.Errorf("the time that a next key waits is not the one that the metadata says: %d %.300s", served.status, served.body)
	}
	gauge := regexp.MustCompile(`partnergraph_signing_key_expiry_seconds\{algorithm="RSA_2048",platform_id="` + demo.PlatformID + `"\} (\S+)`)
	for name, tc := range map[string]struct {
		after time.Duration
		soon  bool
	}{
		"young": {0, false}, "61 days left": {(3*365 - 61) * 24 * time.Hour, false}, "59 days left": {(3*365 - 59) * 24 * time.Hour, true},
		"over": {(3*365 + 1) * 24 * time.Hour, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, settings(url), app.Options{Now: func() time.Time { return time.Now().Add(tc.after) }})
			var found []string
			until(t, "the gauge", func() bool {
				found = gauge.FindStringSubmatch(s.ask(t, "GET", "/metrics", "").body)
				return found != nil
			})
			left, err := strconv.ParseFloat(found[1], 64)
			if want := (3*365*24*time.Hour - tc.after).Seconds(); err != nil || left > want+1 || left < want-300 {
				t.Errorf("%s seconds left, want %v: %v", found[1], want, err)
			}
			if warned := strings.Count(s.logs.String(), "a signing key expires soon"); (warned == 1) != tc.soon {
				t.Errorf("%d warnings", warned)
			}
		})
	}
}
