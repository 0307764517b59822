// Command testservers runs another command with a PostgreSQL and a Redis server that exist only for it:
//
//	go run ./cmd/testservers -- go test ./...
//
// It sets TEST_DATABASE_URL and TEST_REDIS_URL for the command. Where one of them is set already, that server is used.
// Else it starts a throw-away one on a free loopback port with its files in a temporary directory, and removes both at
// the end, also after SIGINT and SIGTERM. Where the system has a directory in memory with room enough, these files and
// the command's own temporary ones (TMPDIR) are there. Missing programs are installed with the system's package manager when it may;
// otherwise one line says what to install. Its exit code is the command's.
//
// It owns the command and its exit code; servers starts and ends the servers. It imports nothing of the product.
package main
