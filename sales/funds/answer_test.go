package funds

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/models"
)

// Answers that are kept for good read the same whoever wrote them.
func TestAnswersAreWrittenAsTheirTagsSay(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	number := func() int64 { return random.Int64N(3) * random.Int64N(1<<62) * (1 - 2*random.Int64N(2)) }
	side := func() (side []held) {
		for range random.IntN(4) {
			side = append(side, held{Kind: models.AccountCredit, Balance: number(), Held: number(), Earmarked: number(), Floor: number(), Revision: number()})
		}
		return side
	}
	for range 1000 {
		a := answer{
			ID: "trf_01h455vb4pex5vsknk084sn02q", Kind: models.TransferFund, At: time.UnixMicro(random.Int64N(1 << 51)).UTC(), Currency: models.CNY,
			Above: side(), Below: side(),
		}
		want, err := json.Marshal(a)
		if err != nil || string(a.text()) != string(want) {
			t.Fatalf("%s, want %s (%v)", a.text(), want, err)
		}
	}
}
