package apitest_test

import (
	"fmt"
	"os"
	"reflect"
	"testing"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := apitest.Forget(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// TestCopiesOfTheWorldShareNothing: what one test changes of its world, no other sees.
func TestCopiesOfTheWorldShareNothing(t *testing.T) {
	t.Parallel()
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		first, second := reflect.ValueOf(w).Elem(), reflect.ValueOf(apitest.Copy(w, s)).Elem()
		checked := 0
		for i := range first.NumField() {
			name, a, b := first.Type().Field(i).Name, first.Field(i), second.Field(i)
			switch {
			case name == "Rooms": // the server's
			case a.Kind() == reflect.Map:
				checked++
				if a.Pointer() == b.Pointer() || a.Len() != b.Len() {
					t.Errorf("%s is shared, or another", name)
				}
			case a.Kind() == reflect.Slice, a.Kind() == reflect.Array:
				for j := range a.Len() {
					if a.Index(j).Kind() == reflect.Pointer {
						checked++
						if a.Index(j).Pointer() == b.Index(j).Pointer() {
							t.Errorf("%s[%d] is shared", name, j)
						}
					}
				}
			}
		}
		if checked < 12 {
			t.Errorf("only %d fields were looked at", checked)
		}
		for _, b := range w.Buyers() {
			if b.Owner == nil || b.Owner.Resale != b && b.Owner.Advisory != b {
				t.Errorf("%s has another world's owner", b.Tag)
			}
		}
		for i, o := range w.Orgs() {
			if o.Parent != nil && o.Parent != w.Distributors[0] && o.Parent != w.Distributors[1] {
				t.Errorf("%s (%d) has another world's distributor", o.Tag, i)
			}
		}
	})
}
