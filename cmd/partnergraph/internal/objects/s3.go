package objects

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/partnergraph/partnergraph/sales/files"
)

// S3 keeps files in a bucket. It is safe for concurrent use.
type S3 struct {
	bucket string
	api    *s3.Client
}

var _ files.Objects = (*S3)(nil)

type apiOptions struct {
	endpoint, region, accessKey, secretKey string
	virtualHost                            bool
	client                                 aws.HTTPClient
	attempts                               int // 0 = the library's own
}

// newAPI makes a client of exactly these options: nothing is read from the environment or from files, as the library otherwise does.
func newAPI(o apiOptions) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: &o.endpoint, Region: o.region, UsePathStyle: !o.virtualHost, HTTPClient: o.client, RetryMaxAttempts: o.attempts,
		Credentials: credentials.NewStaticCredentialsProvider(o.accessKey, o.secretKey, ""),
		// Stores other than the inventor's do not know the checksums that came later; the signature covers the content.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	})
}

// Put keeps a file; a bucket shows it whole or not at all.
func (s *S3) Put(ctx context.Context, key string, body io.ReadSeeker, size int64, contentType string) error {
	disposition := "attachment" // whoever opens the bucket to browsers shows nothing of it in place
	_, err := s.api.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &s.bucket, Key: &key, Body: body, ContentLength: &size, ContentType: &contentType, ContentDisposition: &disposition,
	})
	if err != nil {
		return fmt.Errorf("objects: put: %w", err)
	}
	return nil
}

// Open reads a file.
func (s *S3) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	got, err := s.api.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: &key})
	if isCode(err, "NoSuchKey") {
		return nil, files.ErrNoObject
	}
	if err != nil {
		return nil, fmt.Errorf("objects: get: %w", err)
	}
	return got.Body, nil
}

// Remove removes a file; there may be none.
func (s *S3) Remove(ctx context.Context, key string) error {
	_, err := s.api.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: &key})
	if err != nil && !isCode(err, "NoSuchKey") {
		return fmt.Errorf("objects: delete: %w", err)
	}
	return nil
}

func isCode(err error, code string) bool {
	var answer smithy.APIError
	return errors.As(err, &answer) && answer.ErrorCode() == code
}

// bounded reads at most so much of what an endpoint answers: the library reads the bodies of errors whole.
type bounded struct {
	client *http.Client
	most   int64
}

var _ aws.HTTPClient = bounded{}

// Do sends a request.
func (b bounded) Do(request *http.Request) (*http.Response, error) {
	response, err := b.client.Do(request) //nolint:gosec // the client is the guard's, which judges each address it connects to
	if err != nil {
		return nil, err
	}
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(response.Body, b.most), response.Body}
	return response, nil
}
