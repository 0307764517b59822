package exposure

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// Buckets call the object storage that partners name, which is a stranger's machine.
type Buckets interface {
	// CheckEndpoint refuses an address that could never be called, as INVALID.
	CheckEndpoint(endpoint string) error
	// Probe puts, gets and deletes an object under download/; its errors are those below.
	Probe(ctx context.Context, bucket models.AttachmentBucket) error
	// Open reads an object by its whole key, or is ErrAttachmentMissing.
	Open(ctx context.Context, bucket models.AttachmentBucket, key string) (io.ReadCloser, error)
}

// Limits counts calls within a window; the cache does.
type Limits interface {
	Allow(ctx context.Context, key string, limit int64, window time.Duration) (bool, time.Duration)
}

// What may be wrong with a partner's bucket.
var (
	ErrBucketMissing     = models.Precondition("BUCKET_NOT_FOUND", "There is no bucket of this name at this endpoint.")
	ErrBucketKeys        = models.Precondition("BUCKET_KEYS_REFUSED", "The endpoint does not accept these keys: the access key is unknown, or the secret key does not belong to it.")
	ErrBucketDenied      = models.Precondition("BUCKET_ACCESS_DENIED", "These keys may not put, get and delete objects under download/ in this bucket.")
	ErrBucketRegion      = models.Precondition("BUCKET_WRONG_REGION", "The bucket is in another region than given, or is reached at another endpoint.")
	ErrBucketUnreachable = models.Precondition("BUCKET_UNREACHABLE", "The endpoint did not answer: its name, its port, its certificate, or a network in between.")
	ErrBucketUnusable    = models.Precondition("BUCKET_UNUSABLE", "The endpoint answered, but not as object storage with an S3 interface does.")
	// ErrNoBucket refuses a path where the platform has no bucket of its own.
	ErrNoBucket = models.Precondition("NO_BUCKET", "This platform has no bucket of its own: upload the attachments here.")
	// ErrAttachmentMissing says that there is no such object below download/. Paths are case-sensitive.
	ErrAttachmentMissing = models.Precondition("ATTACHMENT_NOT_FOUND", "There is no file at this path below download/ in the bucket; paths are case-sensitive.")
)

// How often a platform's bucket may be tried: each try calls a machine that the partner has named.
const (
	bucketTries  = 10
	bucketWindow = time.Minute
)

// CheckAttachmentBucket says which bucket to try.
type CheckAttachmentBucket struct {
	PartnerID models.ID
	Bucket    *models.AttachmentBucket // nil = the one that is saved
}

// CheckedBucket is a bucket that works.
type CheckedBucket struct {
	Name      string
	CheckedAt time.Time
}

// CheckBucket tries a bucket by putting, getting and deleting an object of its own under download/, and saves nothing but, for the saved one,
// when it worked. What is wrong is PRECONDITION_FAILED with BUCKET_NOT_FOUND, BUCKET_KEYS_REFUSED, BUCKET_ACCESS_DENIED, BUCKET_WRONG_REGION,
// BUCKET_UNREACHABLE or BUCKET_UNUSABLE; NO_BUCKET when there is none to try. Other errors as Update; RATE_LIMITED at more than ten a minute.
func (s *Service) CheckBucket(ctx context.Context, who models.Principal, cmd CheckAttachmentBucket) (CheckedBucket, error) {
	if err := authorise(who, models.WriteExposure, cmd.PartnerID); err != nil {
		return CheckedBucket{}, err
	}
	if err := s.mayExpose(ctx, who, cmd.PartnerID); err != nil {
		return CheckedBucket{}, err
	}
	if cmd.Bucket != nil {
		err := s.probe(ctx, cmd.PartnerID, *cmd.Bucket)
		return CheckedBucket{Name: cmd.Bucket.Name, CheckedAt: s.now()}, err
	}
	saved, err := s.ByPartnerIDs(ctx, reading(who), []models.ID{cmd.PartnerID})
	if err != nil {
		return CheckedBucket{}, err
	}
	config, ok := saved[cmd.PartnerID]
	if !ok {
		return CheckedBucket{}, models.NotFound("access configuration")
	}
	bucket, err := s.openBucket(config)
	if err != nil {
		return CheckedBucket{}, err
	}
	if err := s.probe(ctx, cmd.PartnerID, bucket); err != nil {
		return CheckedBucket{}, err
	}
	now := s.now()
	return CheckedBucket{Name: bucket.Name, CheckedAt: now}, updateBucketChecked(ctx, s.DB, config, now)
}

// reading is the caller with the right to read, which whoever may write has for the purpose of writing.
func reading(who models.Principal) models.Principal {
	who.Permissions = append([]models.Permission{models.ReadExposure}, who.Permissions...)
	return who
}

// mayExpose finds the partner among those whose business the caller may do, without a lock: for what must not wait within a transaction.
func (s *Service) mayExpose(ctx context.Context, who models.Principal, partnerID models.ID) error {
	kind, found, err := selectKind(ctx, s.DB, who, partnerID)
	switch {
	case err != nil:
		return err
	case !found:
		return models.NotFound("partner")
	case !kind.HasExposure():
		return ErrNoExposure
	}
	return nil
}

// probe checks what is said of a bucket and tries it.
func (s *Service) probe(ctx context.Context, partnerID models.ID, bucket models.AttachmentBucket) error {
	if err := s.checkBucket(bucket); err != nil {
		return err
	}
	if s.Limits != nil {
		if ok, wait := s.Limits.Allow(ctx, "bucket:"+string(partnerID), bucketTries, bucketWindow); !ok {
			return models.RateLimited(wait)
		}
	}
	return s.Buckets.Probe(ctx, bucket)
}

func (s *Service) checkBucket(bucket models.AttachmentBucket) error {
	if err := bucket.Check("attachmentBucket"); err != nil {
		return err
	}
	if u, err := url.Parse(bucket.Endpoint); err != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" {
		return models.Invalid("attachmentBucket.endpoint", "An endpoint has no path and no query.")
	}
	return s.Buckets.CheckEndpoint(bucket.Endpoint)
}

// OpenAttachment reads an attachment from the bucket of the platform that serves a partner's customers, by its path below download/.
// It asks nobody's permission. Errors: INVALID for what is no such path, ErrNoBucket, ErrAttachmentMissing, and what may be wrong
// with a bucket.
func (s *Service) OpenAttachment(ctx context.Context, partnerID models.ID, path string) (io.ReadCloser, error) {
	if err := models.CheckAttachmentPath(path, "path"); err != nil {
		return nil, err
	}
	config, found, err := s.ForPartner(ctx, partnerID)
	if err != nil {
		return nil, err
	}
	if !found || !config.AttachmentUpload {
		return nil, ErrNoBucket
	}
	bucket, err := s.openBucket(config)
	if err != nil {
		return nil, err
	}
	return s.Buckets.Open(ctx, bucket, models.AttachmentRoot+path)
}

func bucketContext(id models.ID) string { return "access_configurations.bucket:" + string(id) }

// setBucket puts a bucket that was tried into its columns; an empty one clears them.
func (s *Service) setBucket(config *models.AccessConfiguration, bucket models.AttachmentBucket) {
	config.BucketName, config.BucketEndpoint, config.BucketSealed, config.BucketCheckedAt = "", "", nil, nil
	if bucket.IsZero() {
		return
	}
	text, err := json.Marshal(bucket) //nolint:gosec // sealed below, and nowhere else
	if err != nil {
		panic(err) // strings
	}
	now := s.now()
	config.BucketName, config.BucketEndpoint, config.BucketCheckedAt = bucket.Name, bucket.Endpoint, &now
	config.BucketSealed = s.Seal.Seal(text, bucketContext(config.ID))
}

func (s *Service) openBucket(config models.AccessConfiguration) (models.AttachmentBucket, error) {
	var bucket models.AttachmentBucket
	if len(config.BucketSealed) == 0 {
		return bucket, ErrNoBucket
	}
	text, err := s.Seal.Open(config.BucketSealed, bucketContext(config.ID))
	if err == nil {
		err = json.Unmarshal(text, &bucket)
	}
	if err != nil {
		return bucket, fmt.Errorf("exposure: the bucket of %s does not open: %w", config.ID, err)
	}
	return bucket, nil
}

// prepare does what must not wait within a transaction: it reads metadata that was uploaded, and tries a bucket. Who may not
// change the configuration makes this server call nobody.
func (s *Service) prepare(ctx context.Context, who models.Principal, cmd *UpdateAccessConfiguration) error {
	bucket := cmd.AttachmentBucket
	if bucket == nil && cmd.IDPMetadataUploadID == nil {
		return nil
	}
	if err := s.mayExpose(ctx, who, cmd.PartnerID); err != nil {
		return err
	}
	if id := cmd.IDPMetadataUploadID; id != nil {
		if cmd.IDPMetadata != nil {
			return models.Invalid("idpMetadataUploadId", "Give the metadata or its upload, not both.")
		}
		if err := id.Require(models.PrefixUpload, "idpMetadataUploadId"); err != nil {
			return err
		}
		content, err := s.Uploads.Content(ctx, who, models.UploadIDPMetadata, *id)
		if err != nil {
			return err
		}
		text := string(content)
		cmd.IDPMetadata = &text
	}
	if bucket == nil || bucket.IsZero() {
		return nil
	}
	if off := cmd.AttachmentUpload; off != nil && !*off {
		return models.Invalid("attachmentBucket", "A platform that uploads no attachments has no bucket.")
	}
	return s.probe(ctx, cmd.PartnerID, *bucket)
}

// Uploads are files that were brought outside GraphQL, whose bodies are smaller than metadata may be; sales/files keeps them.
type Uploads interface {
	Content(ctx context.Context, who models.Principal, purpose models.UploadPurpose, id models.ID) ([]byte, error)
	TakeIn(ctx context.Context, tx bun.IDB, who models.Principal, purpose models.UploadPurpose, id models.ID) error
}
