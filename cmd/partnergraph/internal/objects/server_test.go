package objects_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"golang.org/x/net/dns/dnsmessage"
)

const (
	region    = "cn-north-4"
	accessKey = "AKEXAMPLE"
	secretKey = "SKEXAMPLE/with+signs"
)

// bucketServer is a public S3 server in memory behind a door that checks signatures, which the server itself does not.
type bucketServer struct {
	*httptest.Server
	backend *s3mem.Backend

	mu    sync.Mutex
	count int
	wrong []string
}

func newBucketServer(t *testing.T) *bucketServer {
	t.Helper()
	s := &bucketServer{backend: s3mem.New()}
	for _, name := range []string{"kept", "locked", "undeletable", "moved", "website", "forgetful"} {
		if err := s.backend.CreateBucket(name); err != nil {
			t.Fatal(err)
		}
	}
	s.Server = httptest.NewServer(s.door(gofakes3.New(s.backend).Server()))
	t.Cleanup(s.Close)
	return s
}

func (s *bucketServer) url(bucket string) string {
	return "s3+http://" + accessKey + ":" + strings.ReplaceAll(secretKey, "/", "%2F") + "@" + strings.TrimPrefix(s.URL, "http://") + "/" + bucket + "?region=" + region
}

func (s *bucketServer) door(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.note(r, body)
		bucket, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		status, code := judge(r, bucket)
		switch {
		case code != "":
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, `<?xml version="1.0"?><Error><Code>%s</Code><Message>told by the endpoint</Message></Error>`, code)
		case bucket == "website":
			http.Error(w, "<html>nothing here</html>", http.StatusTeapot)
		case bucket == "forgetful" && r.Method == http.MethodGet:
			_, _ = io.WriteString(w, "something else")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// note complains about requests that no client of an object store should send.
func (s *bucketServer) note(r *http.Request, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	if sum := sha256.Sum256(body); r.Header.Get("X-Amz-Content-Sha256") != hex.EncodeToString(sum[:]) {
		s.wrong = append(s.wrong, r.Method+": the signature does not cover the body")
	}
	for _, name := range []string{"X-Amz-Trailer", "X-Amz-Sdk-Checksum-Algorithm", "X-Amz-Checksum-Crc32", "Cookie"} {
		if r.Header.Get(name) != "" {
			s.wrong = append(s.wrong, r.Method+": "+name)
		}
	}
	if !strings.Contains(r.URL.Path, "/download/") {
		s.wrong = append(s.wrong, r.Method+" outside download/: "+r.URL.Path)
	}
}

func judge(r *http.Request, bucket string) (status int, code string) {
	credential, signedHeaders, signature := authorization(r)
	parts := strings.Split(credential, "/")
	switch {
	case len(parts) != 5 || parts[4] != "aws4_request" || parts[3] != "s3":
		return http.StatusBadRequest, "InvalidRequest"
	case parts[0] != accessKey:
		return http.StatusForbidden, "InvalidAccessKeyId"
	case parts[2] != region:
		return http.StatusBadRequest, "AuthorizationHeaderMalformed"
	case signature != sign(r, parts[1], signedHeaders):
		return http.StatusForbidden, "SignatureDoesNotMatch"
	case bucket == "locked", bucket == "undeletable" && r.Method == http.MethodDelete:
		return http.StatusForbidden, "AccessDenied"
	case bucket == "moved":
		return http.StatusMovedPermanently, "PermanentRedirect"
	}
	return 0, ""
}

func authorization(r *http.Request) (credential, signedHeaders, signature string) {
	fields, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	if !ok {
		return "", "", ""
	}
	for field := range strings.SplitSeq(fields, ", ") {
		name, value, _ := strings.Cut(field, "=")
		switch name {
		case "Credential":
			credential = value
		case "SignedHeaders":
			signedHeaders = value
		case "Signature":
			signature = value
		}
	}
	return credential, signedHeaders, signature
}

// sign is Signature Version 4 as its specification has it, written here to have a second opinion.
func sign(r *http.Request, day, signedHeaders string) string {
	query := strings.Split(r.URL.RawQuery, "&")
	slices.Sort(query)
	var headers strings.Builder
	for name := range strings.SplitSeq(signedHeaders, ";") {
		value := r.Header.Get(name)
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = fmt.Sprint(r.ContentLength)
		}
		headers.WriteString(name + ":" + strings.TrimSpace(value) + "\n")
	}
	canonical := strings.Join([]string{
		r.Method, r.URL.EscapedPath(), strings.Join(query, "&"), headers.String(), signedHeaders, r.Header.Get("X-Amz-Content-Sha256"),
	}, "\n")
	digest := sha256.Sum256([]byte(canonical))
	text := strings.Join([]string{"AWS4-HMAC-SHA256", r.Header.Get("X-Amz-Date"), day + "/" + region + "/s3/aws4_request", hex.EncodeToString(digest[:])}, "\n")
	key := []byte("AWS4" + secretKey)
	for _, part := range []string{day, region, "s3", "aws4_request", text} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return hex.EncodeToString(key)
}

func (s *bucketServer) calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

func (s *bucketServer) complaints() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wrong
}

func (s *bucketServer) keys(t *testing.T, bucket string) (keys []string) {
	t.Helper()
	list, err := s.backend.ListBucket(bucket, nil, gofakes3.ListBucketPage{})
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range list.Contents {
		keys = append(keys, object.Key)
	}
	return keys
}

func (s *bucketServer) put(t *testing.T, bucket, key string, content []byte) {
	t.Helper()
	if _, err := s.backend.PutObject(bucket, key, nil, bytes.NewReader(content), int64(len(content)), nil); err != nil {
		t.Fatal(err)
	}
}

// silentServer is an address where nobody listens.
func silentServer(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	return server.URL
}

// resolverTo resolves every name to one address.
func resolverTo(t *testing.T, address string) *net.Resolver {
	t.Helper()
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go answerDNS(server, netip.MustParseAddr(address))
		return client, nil
	}}
}

// answerDNS answers questions for IPv4 addresses over a stream, each message after its length.
func answerDNS(conn net.Conn, address netip.Addr) {
	defer func() { _ = conn.Close() }()
	for {
		var length [2]byte
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return
		}
		question := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(conn, question); err != nil {
			return
		}
		var message dnsmessage.Message
		if message.Unpack(question) != nil || len(message.Questions) == 0 {
			return
		}
		message.Response, message.Additionals = true, nil
		if message.Questions[0].Type == dnsmessage.TypeA {
			message.Answers = []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: message.Questions[0].Name, Class: dnsmessage.ClassINET, TTL: 1},
				Body:   &dnsmessage.AResource{A: address.As4()},
			}}
		}
		packed, err := message.Pack()
		if err != nil {
			return
		}
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(packed))), packed...)); err != nil {
			return
		}
	}
}
