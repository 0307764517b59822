// Package e2e holds the end-to-end test of the main job: the built program, a real browser, and identity providers of
// which one, SimpleSAMLphp, was written by strangers to this project. It has no code of its own to import.
//
// The test has the build tag e2e, because it needs Chromium (chromium, chromium-browser or google-chrome in PATH) and
// Debian's simplesamlphp with php-cli; what is missing fails the test and is named. Run it with `make e2e`. Pictures of
// every page go to the directory that E2E_SHOTS names, else to a temporary one.
package e2e
