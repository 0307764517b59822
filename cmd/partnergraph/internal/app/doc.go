// Package app wires the house together: it reads the configuration, opens the store and the cache, introduces the rooms to each
// other and to the doors, and serves HTTP. It owns no rule of the business. Commands of the program and its end-to-end
// tests build on New.
package app
