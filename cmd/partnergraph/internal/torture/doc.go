// Package torture proves what the server promises about money while it, or what it stands on, is being broken: processes
// killed with SIGKILL, a database that dies, a disk that is full, clients that press the same button fifty times.
//
// It owns the proofs of docs/torture.md that need the whole server; those of the ledger alone stand beside it. Each is a
// test in two sizes: of seconds, always, and of minutes to hours with PARTNERGRAPH_TORTURE=1 (make torture). Each ends in
// the audit and prints one line that begins with its number, such as "R1 sqlite: ...". There is nothing here but tests.
//
// Neighbours: apitest makes the world and the table of mutations that move money; cmd/testservers/servers starts
// databases that may be killed.
package torture
