package seed

import (
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// Bar returns a Progress that draws one bar for each stage to w, usually standard error.
func Bar(w io.Writer) func(stage string, done, total int64) {
	var bar *progressbar.ProgressBar
	var drawn string
	return func(stage string, done, total int64) {
		if bar == nil || stage != drawn {
			drawn = stage
			bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(stage),
				progressbar.OptionSetWidth(30), progressbar.OptionShowCount(), progressbar.OptionShowIts(),
				progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetRenderBlankState(true),
				progressbar.OptionOnCompletion(func() { _, _ = io.WriteString(w, "\n") }))
		}
		_ = bar.Set64(done) // a terminal that cannot be written to is no reason to stop loading
	}
}
