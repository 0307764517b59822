package models

import (
	"regexp"
	"strings"
	"time"
	"unicode"
)

// AttachmentBucket is a partner's own object storage, from which attachments of real-name verification are read (A02, R02).
type AttachmentBucket struct {
	Name      string `json:"name"`      // 3 to 63 characters
	Endpoint  string `json:"endpoint"`  // the address of the S3 interface, https, without the bucket's name
	Region    string `json:"region"`    // as signatures name it
	AccessKey string `json:"accessKey"` // AK; never shown again
	SecretKey string `json:"secretKey"` // SK; never shown again
	// VirtualHost puts the bucket's name before the endpoint's host instead of into the path, which some clouds demand.
	VirtualHost bool `json:"virtualHost,omitempty"`
	// CheckedAt is when it was last tried with success.
	CheckedAt time.Time `json:"-"`
}

// IsZero reports whether nothing is said, which takes the bucket away.
func (b AttachmentBucket) IsZero() bool {
	return b.Name == "" && b.Endpoint == "" && b.Region == "" && b.AccessKey == "" && b.SecretKey == ""
}

var (
	bucketName   = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	bucketRegion = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
)

// Check applies the rules for names and keys; whether the endpoint may be called is another question.
func (b AttachmentBucket) Check(field string) error {
	switch {
	case !bucketName.MatchString(b.Name) || strings.Contains(b.Name, ".."):
		return Invalid(field+".name", "A bucket's name has 3 to 63 lower-case letters, digits, dots and hyphens.")
	case b.Endpoint == "" || len(b.Endpoint) > 2048:
		return Invalid(field+".endpoint", "An endpoint is the https address of the S3 interface.")
	case !bucketRegion.MatchString(b.Region):
		return Invalid(field+".region", "A region has lower-case letters, digits and hyphens, such as cn-north-4.")
	case !isKeyText(b.AccessKey, 128):
		return Invalid(field+".accessKey", "An access key has 1 to 128 characters without spaces.")
	case !isKeyText(b.SecretKey, 256):
		return Invalid(field+".secretKey", "A secret key has 1 to 256 characters without spaces.")
	}
	return nil
}

func isKeyText(text string, longest int) bool {
	return text != "" && len(text) <= longest && !strings.ContainsFunc(text, func(r rune) bool {
		return r > unicode.MaxASCII || unicode.IsSpace(r) || unicode.IsControl(r)
	})
}
