package orders

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/partnergraph/partnergraph/models"
)

// Simulator is a Driver for demonstrations and tests: a cloud that makes everything at once and keeps nothing, because
// the ids that it hands out follow from the order alone. The zero value is ready and safe for concurrent use.
type Simulator struct{}

var _ Driver = Simulator{}

// Create returns a main resource for each piece of a line and, for each of them, the pieces of the line's parts.
func (Simulator) Create(ctx context.Context, request ProvisionRequest) ([]Created, error) {
	parts := make(map[models.ID][]models.OrderItem, len(request.Items))
	for _, item := range request.Items {
		if item.ParentID != "" {
			parts[item.ParentID] = append(parts[item.ParentID], item)
		}
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

// simulated makes the n-th piece of a line. Its id looks like a cloud's and follows from the line, the main resource and n.
func simulated(item models.OrderItem, parent string, n int) Created {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%d", item.ID, parent, n))
	id := fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
	kind := item.ResourceType[strings.LastIndexByte(item.ResourceType, '.')+1:]
	return Created{OrderItemID: item.ID, CloudID: id, ParentCloudID: parent, Name: kind + "-" + id[:8]}
}
