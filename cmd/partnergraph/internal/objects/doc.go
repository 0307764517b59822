// Package objects keeps files: in a folder of this machine, or under the S3 interface of an object store. It also reads the buckets that
// partners name, whose endpoints are strangers: those are called through outbound.Guard only, and what they answer is bounded.
//
// It knows nothing of what the files are. Neighbours: internal/app hands it to sales/files and sales/exposure, whose interfaces it
// implements.
package objects
