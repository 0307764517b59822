// Program orders measures how fast orders are placed and paid: clients of many customers place one from a quote and pay it, through GraphQL over HTTP, on a
// PostgreSQL that waits for the disk. The prices are a catalogue's; what is paid is provisioned meanwhile, by the simulator.
//
// It prints one table, and fails when money or orders are not what was acknowledged. See docs/performance.md.
package main
