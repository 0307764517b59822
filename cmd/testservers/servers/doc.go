// Package servers starts PostgreSQL and Redis servers that exist only for the process that starts them, and ends them.
//
// It owns: finding the programs (and installing them where it may), a free loopback port, files in a temporary directory,
// and that nothing of it is left. It knows how to kill a PostgreSQL server as a crash would and to start it again on what
// it left behind. It owns nothing of the product and imports none of its packages.
//
// Neighbours: cmd/testservers runs a command beside such servers; tests of crashes and benchmarks start their own.
package servers
