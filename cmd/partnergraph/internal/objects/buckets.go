package objects

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/outbound"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/exposure"
)

// The bounds of a call to a partner's bucket. An answer may be a byte longer than an attachment, so that one which is too long is seen.
const (
	bucketPatience = 15 * time.Second
	bucketAnswer   = models.MaxAttachmentBytes + 1
)

// Buckets call the buckets that partners name. The zero value calls public addresses over TLS only; it is safe for concurrent use.
type Buckets struct{ Guard outbound.Guard }

var _ exposure.Buckets = Buckets{}

// Probe puts an object of its own under download/, reads it and removes it again, and says which of that fails and why.
func (b Buckets) Probe(ctx context.Context, bucket models.AttachmentBucket) error {
	ctx, cancel := context.WithTimeout(ctx, bucketPatience)
	defer cancel()
	api, done, err := b.api(bucket)
	if err != nil {
		return err
	}
	defer done()
	key, content := models.AttachmentRoot+"partnergraph-probe-"+rand.Text(), []byte(rand.Text())
	size := int64(len(content))
	_, err = api.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket.Name, Key: &key, Body: bytes.NewReader(content), ContentLength: &size})
	if err != nil {
		return explain(err)
	}
	got, err := api.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket.Name, Key: &key})
	var read []byte
	if err == nil {
		read, err = io.ReadAll(io.LimitReader(got.Body, size+1))
		_ = got.Body.Close()
	}
	// The probe goes whether it was read or not.
	_, removed := api.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket.Name, Key: &key})
	switch {
	case err != nil:
		return explain(err)
	case !bytes.Equal(read, content):
		return exposure.ErrBucketUnusable
	case removed != nil:
		return explain(removed)
	}
	return nil
}

// Open reads an object, or is exposure.ErrAttachmentMissing. Close it: the connection ends with it.
func (b Buckets) Open(ctx context.Context, bucket models.AttachmentBucket, key string) (io.ReadCloser, error) {
	ctx, cancel := context.WithTimeout(ctx, bucketPatience)
	api, done, err := b.api(bucket)
	if err != nil {
		cancel()
		return nil, err
	}
	got, err := api.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket.Name, Key: &key})
	if err != nil {
		cancel()
		done()
		if isCode(err, "NoSuchKey") {
			return nil, exposure.ErrAttachmentMissing
		}
		return nil, explain(err)
	}
	return &reading{ReadCloser: got.Body, after: func() { cancel(); done() }}, nil
}

// api makes a client for one call. Whether the endpoint may be called is judged again each time.
func (b Buckets) api(bucket models.AttachmentBucket) (_ *s3.Client, done func(), _ error) {
	if err := b.CheckEndpoint(bucket.Endpoint); err != nil {
		return nil, nil, err
	}
	client := b.Guard.Client()
	api := newAPI(apiOptions{
		endpoint: bucket.Endpoint, region: bucket.Region, accessKey: bucket.AccessKey, secretKey: bucket.SecretKey,
		virtualHost: bucket.VirtualHost, client: bounded{client, bucketAnswer}, attempts: 2,
	})
	return api, client.CloseIdleConnections, nil
}

// CheckEndpoint refuses an address that could never be called.
func (b Buckets) CheckEndpoint(endpoint string) error {
	if err := b.Guard.CheckURL(endpoint); err != nil {
		return models.Invalid("attachmentBucket.endpoint", "This endpoint cannot be called: "+err.Error()+".")
	}
	return nil
}

type reading struct {
	io.ReadCloser
	after func()
}

// Close ends the call.
func (r *reading) Close() error {
	defer r.after()
	return r.ReadCloser.Close()
}

// explain words a failure by what the endpoint's error means, never with the endpoint's own words.
func explain(err error) error {
	var answer smithy.APIError
	if errors.As(err, &answer) {
		switch answer.ErrorCode() {
		case "NoSuchBucket", "NotFound":
			return caused(exposure.ErrBucketMissing, err)
		case "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidSecurity", "InvalidToken":
			return caused(exposure.ErrBucketKeys, err)
		case "AccessDenied", "AllAccessDisabled", "Forbidden":
			return caused(exposure.ErrBucketDenied, err)
		case "PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "MovedPermanently":
			return caused(exposure.ErrBucketRegion, err)
		}
	}
	var response *awshttp.ResponseError
	if errors.As(err, &response) && response.HTTPStatusCode() != 0 { // zero: there was no answer
		switch response.HTTPStatusCode() {
		case http.StatusMovedPermanently, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
			return caused(exposure.ErrBucketRegion, err)
		case http.StatusForbidden, http.StatusUnauthorized:
			return caused(exposure.ErrBucketDenied, err)
		case http.StatusNotFound:
			return caused(exposure.ErrBucketMissing, err)
		}
		return caused(exposure.ErrBucketUnusable, err)
	}
	return caused(exposure.ErrBucketUnreachable, err)
}

// caused adds the cause for the log, without what could hold a key.
func caused(refusal *models.Error, err error) error {
	shown := *refusal
	var response *awshttp.ResponseError
	if errors.As(err, &response) && response.HTTPStatusCode() != 0 {
		shown.Cause = fmt.Errorf("objects: status %d", response.HTTPStatusCode())
		return &shown
	}
	var refused *outbound.RefusedError
	if errors.As(err, &refused) {
		shown.Cause = refused
	}
	return &shown
}
