package apitest_test

import (
	"testing"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
)

func TestWorldIsBuiltAndSound(t *testing.T) {
	t.Parallel()
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		s.Sound(t)
		if len(w.Buyers()) != 12 || len(w.IDs("res")) != 48 {
			t.Errorf("%d customers with %d resources", len(w.Buyers()), len(w.IDs("res")))
		}
	})
}
