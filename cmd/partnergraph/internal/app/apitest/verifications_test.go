package apitest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
)

type fields = map[string]any

// send sends a request to one of the addresses that files come and go by.
func send(t *testing.T, s *apitest.Server, method, key, address string, body io.Reader, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, address, body)
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.App.Handler.ServeHTTP(w, r)
	return w.Result()
}

func bodyOf(t *testing.T, answer *http.Response) string {
	t.Helper()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// codeAndReason of an answer to a file.
func refusalIn(t *testing.T, answer *http.Response) string {
	t.Helper()
	var shown struct{ Error struct{ Code, Reason string } }
	if err := json.NewDecoder(answer.Body).Decode(&shown); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(shown.Error.Code + " " + shown.Error.Reason)
}

func announced(t *testing.T, s *apitest.Server, key string, size int) (id, address string) {
	t.Helper()
	answer := s.Ask(t, key, `mutation($input: CreateUploadInput!){createUpload(input: $input){uploadId url expiresAt}}`, fields{"input": fields{
		"purpose": "VERIFICATION_ATTACHMENT", "fileName": "front.png", "contentType": "image/png", "size": size,
	}})
	id, _ = answer.At("createUpload", "uploadId").(string)
	address, _ = answer.At("createUpload", "url").(string)
	if !strings.HasPrefix(address, "https://sales.example.com/uploads/") {
		t.Fatalf("%s", answer.Body)
	}
	return id, address
}

// TestACustomerIsVerifiedFromEndToEnd over HTTP: files up, an application, a reviewer's download, a decision.
func TestACustomerIsVerifiedFromEndToEnd(t *testing.T) {
	t.Parallel()
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		partner, stranger, customer := w.Providers[0], w.Providers[1], w.Providers[0].Resale.Customer.ID
		var attachments []fields
		var first []byte
		for i := range 3 {
			var b bytes.Buffer
			if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 10+i, 10))); err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				first = b.Bytes()
			}
			id, address := announced(t, s, partner.Key, b.Len())
			for name, row := range map[string]struct {
				answer *http.Response
				want   string
				status int
			}{
				"another's": {send(t, s, http.MethodPut, stranger.Key, address, bytes.NewReader(b.Bytes())), "NOT_FOUND", 404},
				"nobody's":  {send(t, s, http.MethodPut, "", address, bytes.NewReader(b.Bytes())), "NOT_FOUND", 404},
				"a form":    {send(t, s, http.MethodPost, partner.Key, address, bytes.NewReader(b.Bytes())), "INVALID", 405},
				"a look":    {send(t, s, http.MethodGet, partner.Key, address, nil), "INVALID", 405},
				"squeezed":  {send(t, s, http.MethodPut, partner.Key, address, bytes.NewReader(b.Bytes()), "Content-Encoding", "gzip"), "INVALID", 400},
			} {
				if got := refusalIn(t, row.answer); got != row.want || row.answer.StatusCode != row.status {
					t.Errorf("%s: %d %s", name, row.answer.StatusCode, got)
				}
			}
			if answer := send(t, s, http.MethodPut, partner.Key, address, bytes.NewReader(b.Bytes()), "Content-Type", "image/png"); answer.StatusCode != http.StatusCreated {
				t.Fatalf("%d %s", answer.StatusCode, bodyOf(t, answer))
			}
			if got := refusalIn(t, send(t, s, http.MethodPut, partner.Key, address, bytes.NewReader(b.Bytes()))); got != "NOT_FOUND" {
				t.Errorf("a second time: %s", got)
			}
			attachments = append(attachments, fields{"uploadId": id})
		}
		input := fields{"customerId": customer, "certificateType": "BUSINESS_LICENCE", "name": "Proven Limited", "number": "91310000", "attachments": attachments}
		submit := `mutation($input: SubmitEnterpriseVerificationInput!){submitEnterpriseVerification(input: $input){
			verification{id status isReview isChange certificateType identifyType person{name} attachments{role contentType size}} customer{id kind verifiedStatus}}}`
		if answer := s.Ask(t, stranger.Key, submit, fields{"input": input}); len(answer.Codes()) != 1 || answer.Codes()[0] != "NOT_FOUND" {
			t.Errorf("a stranger: %s", answer.Body)
		}
		answer := s.Ask(t, partner.Key, submit, fields{"input": input})
		id, _ := answer.At("submitEnterpriseVerification", "verification", "id").(string)
		if answer.At("submitEnterpriseVerification", "verification", "status") != "REVIEWING" || answer.At("submitEnterpriseVerification", "verification", "isReview") != true ||
			answer.At("submitEnterpriseVerification", "verification", "person") != nil || answer.At("submitEnterpriseVerification", "customer", "verifiedStatus") != "REVIEWING" {
			t.Fatalf("%s", answer.Body)
		}
		if answer := s.Ask(t, w.OperatorKey, `query($id: ID!){node(id: $id){... on Verification{person{name number} customer{id verification{id}}}}}`, fields{"id": id}); answer.At("node", "person", "name") != "Proven Limited" ||
			answer.At("node", "customer", "verification", "id") != id {
			t.Errorf("%s", answer.Body)
		}
		readByReviewer(t, s, w, id, first)
		reviewed := s.Ask(t, w.OperatorKey, `mutation($input: ReviewVerificationInput!){reviewVerification(input: $input){verification{status} customer{kind verifiedStatus realName}}}`,
			fields{"input": fields{"verificationId": id, "passed": true}})
		if reviewed.At("reviewVerification", "customer", "realName") != "Proven Limited" || reviewed.At("reviewVerification", "customer", "verifiedStatus") != "VERIFIED" {
			t.Errorf("%s", reviewed.Body)
		}
		if strings.Contains(s.Log.String(), "Proven") || strings.Contains(s.Log.String(), "91310000") {
			t.Error("the log has personal data")
		}
	})
}

// readByReviewer downloads an attachment once, as nothing that a browser shows.
func readByReviewer(t *testing.T, s *apitest.Server, w *apitest.World, id string, want []byte) {
	t.Helper()
	ready := s.Ask(t, w.OperatorKey, `mutation($input: DownloadVerificationAttachmentInput!){downloadVerificationAttachment(input: $input){url}}`,
		fields{"input": fields{"verificationId": id, "position": 0}})
	address, _ := ready.At("downloadVerificationAttachment", "url").(string)
	if refused := refusalIn(t, send(t, s, http.MethodGet, w.Providers[0].Key, address, nil)); refused != "NOT_FOUND" {
		t.Errorf("a partner reads: %s", refused)
	}
	if refused := refusalIn(t, send(t, s, http.MethodHead, w.OperatorKey, address, nil)); refused != "INVALID" {
		t.Errorf("a link checker: %s", refused)
	}
	answer := send(t, s, http.MethodGet, w.OperatorKey, address, nil)
	if got := bodyOf(t, answer); answer.StatusCode != http.StatusOK || got != string(want) {
		t.Fatalf("%d %q", answer.StatusCode, got)
	}
	for name, want := range map[string]string{
		"Content-Type": "image/png", "X-Content-Type-Options": "nosniff", "Content-Disposition": fmt.Sprintf(`attachment; filename="%s-0.png"`, id),
		"Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'", "Cache-Control": "no-store", "Content-Length": fmt.Sprint(len(want)),
	} {
		if got := answer.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if refused := refusalIn(t, send(t, s, http.MethodGet, w.OperatorKey, address, nil)); refused != "NOT_FOUND" {
		t.Errorf("a second time: %s", refused)
	}
}
