package models_test

import (
	"encoding/json"
	"testing"

	"github.com/partnergraph/partnergraph/models"
)

func FuzzAppendJSON(f *testing.F) {
	for _, text := range []string{"", "cus_01h455vb4pex5vsknk084sn02q", "a\"b", "\\", "<&>", "tab\t", "\x00", "\x7f", "\u2028", "\xff", "钱", "🙂"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want, err := json.Marshal([]string{text})
		if err != nil {
			t.Fatal(err)
		}
		if got := append(models.AppendJSON([]byte{'['}, text), ']'); string(got) != string(want) {
			t.Errorf("%q is %s, encoding/json writes %s", text, got, want)
		}
	})
}

func TestOwnerChangesAreWrittenAsTheyAreRead(t *testing.T) {
	t.Parallel()
	for _, changes := range []models.OwnerChanges{
		{},
		{{Kind: models.OwnerPartner, ID: "par_01h455vb4pex5vsknk084sn02q", Revision: 1}},
		{{Kind: models.OwnerCustomer, ID: "odd \" and <&> \\ 钱", Revision: -1}, {Kind: "", ID: "", Revision: 1<<63 - 1}},
	} {
		stored, err := changes.Value()
		if err != nil {
			t.Fatal(err)
		}
		// What another release has written: each change by itself, as encoding/json does it.
		plain := make([]any, len(changes))
		for i, c := range changes {
			plain[i] = []any{c.Kind, c.ID, c.Revision}
		}
		want, err := json.Marshal(plain)
		if err != nil || stored != string(want) {
			t.Errorf("%v: %v, want %s", err, stored, want)
		}
		var read models.OwnerChanges
		if err := read.Scan(stored); err != nil || len(read) != len(changes) {
			t.Fatalf("read %v: %v", read, err)
		}
		for i := range read {
			if read[i] != changes[i] {
				t.Errorf("read %v, written %v", read[i], changes[i])
			}
		}
	}
}
