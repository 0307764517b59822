package files

import (
	"context"
	"errors"

	"github.com/partnergraph/partnergraph/models"
)

// sweepSize is how many uploads one sweep looks at.
const sweepSize = 200

// Sweep expires what was not brought or used in time and removes the files that nothing refers to; it returns how many rows it is done
// with. A file that cannot be removed now is tried again next time.
func (s *Service) Sweep(ctx context.Context) (int, error) {
	if s.Objects == nil {
		return 0, nil
	}
	now := s.now()
	due, err := selectDue(ctx, s.DB, now, sweepSize)
	if err != nil {
		return 0, err
	}
	done := 0
	var failed error
	for _, upload := range due {
		// The row first: whoever receives or uses the upload at this moment finds that it is too late, or has been faster.
		over, err := updateOver(ctx, s.DB, upload, now)
		if err == nil && over {
			err = s.Objects.Remove(ctx, upload.Key())
		}
		if err == nil && over {
			err = updateRemoved(ctx, s.DB, upload.ID, now)
		}
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		done++
	}
	return done, failed
}

// over reports whether nothing refers to the file of an upload in this state, nor will.
func over(state models.UploadState) bool {
	return state == models.UploadTaken || state == models.UploadRefused || state == models.UploadExpired
}
