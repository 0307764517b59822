// Package files takes files in and gives them out again, outside GraphQL, whose bodies are small.
//
// It owns the tables uploads, the right to bring one file of one size for one purpose, once, and what became of it, and downloads, the right to
// read one file once. It judges what
// arrives by its content before anything is kept: what is refused was only ever in a temporary file. Where files are kept it does not
// know: it asks Objects. What a file is good for is the business of the rooms that refer to it (sales/verification,
// sales/exposure); they say so with KeepIn and TakeIn in their own transactions, and what nobody refers to in time is swept.
//
// Neighbours: cmd answers PUT /uploads/{token} with Receive, and GET /downloads/{token} by asking the room that granted it.
package files
