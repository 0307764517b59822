package objects

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/partnergraph/partnergraph/sales/files"
)

// Open returns the store for a URL: file:///folder, or s3://ACCESS_KEY:SECRET_KEY@host[:port]/bucket?region=R, over TLS;
// s3+http:// for --dev only, without. style=host puts the bucket's name before the host. It connects to nothing yet; the errors
// name what is wrong, never a key.
func Open(raw string, dev bool) (files.Objects, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("setting objects-url: this is not a URL")
	}
	switch u.Scheme {
	case "file":
		if u.Host != "" || !filepath.IsAbs(u.Path) || u.RawQuery != "" {
			return nil, fmt.Errorf("setting objects-url: %q is not file:///folder", u.Redacted())
		}
		return &Folder{dir: filepath.Clean(u.Path)}, nil
	case "s3", "s3+http":
		return openS3(u, dev)
	}
	return nil, errors.New("setting objects-url: it must be file:///folder or s3://ACCESS_KEY:SECRET_KEY@host/bucket?region=R")
}

func openS3(u *url.URL, dev bool) (files.Objects, error) {
	secret, _ := u.User.Password()
	name, query := strings.Trim(u.Path, "/"), u.Query()
	style := query.Get("style")
	switch {
	case u.Scheme == "s3+http" && !dev:
		return nil, errors.New("setting objects-url: s3+http://, without TLS, is for --dev only")
	case u.Hostname() == "" || u.User.Username() == "" || secret == "":
		return nil, fmt.Errorf("setting objects-url: %q lacks the host or one of its keys", u.Redacted())
	case name == "" || strings.Contains(name, "/"):
		return nil, fmt.Errorf("setting objects-url: %q does not name one bucket", u.Redacted())
	case style != "" && style != "path" && style != "host":
		return nil, errors.New("setting objects-url: style is path or host")
	}
	region := query.Get("region")
	if region == "" {
		region = "us-east-1" // what stores without regions expect in signatures
	}
	scheme := "https"
	if u.Scheme == "s3+http" {
		scheme = "http"
	}
	client := &http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &S3{bucket: name, api: newAPI(apiOptions{
		endpoint: scheme + "://" + u.Host, region: region, accessKey: u.User.Username(), secretKey: secret, virtualHost: style == "host", client: client,
	})}, nil
}
