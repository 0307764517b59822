package orders

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/partnergraph/partnergraph/models"
)

// Simulator is a Driver for demonstrations and tests: a cloud that keeps nothing, because the ids that it hands out follow from the
// order alone. The zero value makes everything at once, never fails, is ready and safe for concurrent use.
type Simulator struct {
	Delay time.Duration // before each answer; 0 = none
	// Failures say what to fail by specification code: a code maps to "again", which fails the first attempt of each order in
	// this process, or to "final". Nil = nothing fails.
	Failures map[string]string
	// Seen is what has failed once; required if Failures has an "again".
	Seen *sync.Map
}

// The ways in which a Simulator fails.
const (
	SimulateAgain = "again"
	SimulateFinal = "final"
)

var _ Driver = Simulator{}

// ParseSimulatedFailures reads what Simulator.Failures says from text, such as "s6.broken=final,s6.flaky=again".
func ParseSimulatedFailures(text string) (map[string]string, error) {
	if text == "" {
		return nil, nil
	}
	failures := map[string]string{}
	for part := range strings.SplitSeq(text, ",") {
		spec, how, found := strings.Cut(strings.TrimSpace(part), "=")
		if !found || spec == "" || how != SimulateAgain && how != SimulateFinal {
			return nil, fmt.Errorf("%q is not a specification code, =, and again or final", part)
		}
		failures[spec] = how
	}
	return failures, nil
}

// Create returns a main resource for each piece of a line and, for each of them, the pieces of the line's parts.
func (s Simulator) Create(ctx context.Context, request ProvisionRequest) ([]Created, error) {
	specs := make([]string, len(request.Items))
	parts := make(map[models.ID][]models.OrderItem, len(request.Items))
	for i, item := range request.Items {
		specs[i] = item.SpecCode
		if item.ParentID != "" {
			parts[item.ParentID] = append(parts[item.ParentID], item)
		}
	}
	if err := s.answer(ctx, request.Order, specs); err != nil {
		return nil, err
	}
	var made []Created
	for _, item := range request.Items {
		if item.ParentID != "" {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for piece := range item.Quantity {
			main := simulated(item, "", piece)
			made = append(made, main)
			for _, part := range parts[item.ID] {
				for n := range part.Quantity {
					made = append(made, simulated(part, main.CloudID, n))
				}
			}
		}
	}
	return made, nil
}

// Alter does nothing but wait and fail as told: the simulator keeps nothing.
func (s Simulator) Alter(ctx context.Context, request AlterRequest) error {
	return s.answer(ctx, request.Order, specsOf(request.Resources))
}

// Release does nothing but wait and fail as told.
func (s Simulator) Release(ctx context.Context, request ReleaseRequest) error {
	return s.answer(ctx, request.Order, specsOf(request.Resources))
}

func specsOf(resources []models.Resource) []string {
	specs := make([]string, len(resources))
	for i, r := range resources {
		specs[i] = r.SpecCode
	}
	return specs
}

// answer waits, and fails when it was told to fail one of the specifications.
func (s Simulator) answer(ctx context.Context, order models.Order, specs []string) error {
	if s.Delay > 0 {
		timer := time.NewTimer(s.Delay)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timer.C:
		}
	}
	for _, spec := range specs {
		switch s.Failures[spec] {
		case SimulateFinal:
			return &FinalError{Reason: "SIMULATED"}
		case SimulateAgain:
			if _, seen := s.Seen.LoadOrStore(order.ID, true); !seen {
				return fmt.Errorf("simulated failure of %s", spec)
			}
		}
	}
	return nil
}

// simulated makes the n-th piece of a line. Its id looks like a cloud's and follows from the line, the main resource and n.
func simulated(item models.OrderItem, parent string, n int) Created {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%d", item.ID, parent, n))
	id := fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
	kind := item.ResourceType[strings.LastIndexByte(item.ResourceType, '.')+1:]
	return Created{OrderItemID: item.ID, CloudID: id, ParentCloudID: parent, Name: kind + "-" + id[:8]}
}
