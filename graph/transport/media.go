package transport

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// The media types this package answers with. eventStream is offered only so that Accept can be weighed as a whole.
const (
	mediaJSON     = "application/json"
	mediaResponse = "application/graphql-response+json"
	eventStream   = "text/event-stream"
)

// negotiate chooses among offers by the request's Accept header: the highest quality wins, among equals the one named
// first, and a wildcard counts as naming the first offer. No header accepts everything; "" means nothing is acceptable.
func negotiate(r *http.Request, offers ...string) string {
	accept := strings.Join(r.Header.Values("Accept"), ",")
	if strings.TrimSpace(accept) == "" {
		return offers[0]
	}
	ranges := parseAccept(accept)
	best, bestQuality, bestPlace := "", 0.0, 0
	for _, offer := range offers {
		quality, place, ok := match(ranges, offer)
		if !ok || quality == 0 {
			continue
		}
		// A strict comparison keeps the earlier offer where one wildcard covers both.
		if quality > bestQuality || quality == bestQuality && place < bestPlace {
			best, bestQuality, bestPlace = offer, quality, place
		}
	}
	return best
}

type mediaRange struct {
	kind    string
	quality float64
}

// maxRanges bounds the work for a header of nothing but commas.
const maxRanges = 50

func parseAccept(accept string) []mediaRange {
	var ranges []mediaRange
	for part := range strings.SplitSeq(accept, ",") {
		if len(ranges) == maxRanges {
			break
		}
		kind, params, err := mime.ParseMediaType(strings.TrimSpace(part))
		if err != nil {
			continue
		}
		quality := 1.0
		if q, ok := params["q"]; ok {
			quality, err = strconv.ParseFloat(q, 64)
			if err != nil || quality < 0 || quality > 1 {
				continue
			}
		}
		if charset, ok := params["charset"]; ok && !isUTF8(charset) {
			continue
		}
		ranges = append(ranges, mediaRange{kind, quality})
	}
	return ranges
}

// match finds the most specific range that covers offer, its quality and its place in the header.
func match(ranges []mediaRange, offer string) (quality float64, place int, ok bool) {
	group, _, _ := strings.Cut(offer, "/")
	for _, kind := range []string{offer, group + "/*", "*/*"} {
		for i, r := range ranges {
			if r.kind == kind {
				return r.quality, i, true
			}
		}
	}
	return 0, 0, false
}

// isJSON says whether the request's body is declared as JSON in UTF-8, without an encoding.
func isJSON(r *http.Request) bool {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != mediaJSON {
		return false
	}
	if charset, ok := params["charset"]; ok && !isUTF8(charset) {
		return false
	}
	encoding := r.Header.Get("Content-Encoding")
	return encoding == "" || strings.EqualFold(encoding, "identity")
}

func isUTF8(charset string) bool {
	return strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "utf8")
}
