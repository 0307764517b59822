package outbound

import "net/netip"

// special are the ranges of public-looking addresses that lead elsewhere: the IANA special-purpose registries for IPv4, and
// those for IPv6 that lie within 2000::/3, outside which nothing is public.
var special = parse( //nolint:gochecknoglobals // a table
	// IPv4
	"0.0.0.0/8",       // this network
	"10.0.0.0/8",      // private
	"100.64.0.0/10",   // carrier-grade NAT
	"127.0.0.0/8",     // loopback
	"169.254.0.0/16",  // link-local, and the metadata services of clouds
	"172.16.0.0/12",   // private
	"192.0.0.0/24",    // IETF protocol assignments
	"192.0.2.0/24",    // documentation
	"192.31.196.0/24", // AS112
	"192.52.193.0/24", // AMT
	"192.88.99.0/24",  // 6to4 relays
	"192.168.0.0/16",  // private
	"192.175.48.0/24", // AS112
	"198.18.0.0/15",   // benchmarks
	"198.51.100.0/24", // documentation
	"203.0.113.0/24",  // documentation
	"224.0.0.0/4",     // multicast
	"240.0.0.0/4",     // reserved, and broadcast
	// IPv6
	"2001::/23",         // IETF protocol assignments: Teredo, ORCHID, benchmarks
	"2001:db8::/32",     // documentation
	"2002::/16",         // 6to4, which carries an IPv4 address
	"2620:4f:8000::/48", // AS112
	"3fff::/20",         // documentation
)

// public6 is all that is public in IPv6: loopback, unique local, link-local, multicast, IPv4-mapped and NAT64 addresses are
// outside.
var public6 = netip.MustParsePrefix("2000::/3") //nolint:gochecknoglobals // a constant

func parse(ranges ...string) []netip.Prefix {
	prefixes := make([]netip.Prefix, len(ranges))
	for i, text := range ranges {
		prefixes[i] = netip.MustParsePrefix(text)
	}
	return prefixes
}

// Public reports whether an address is one of the internet's: not of this machine, of a network that is private in any
// sense, or a form of IPv6 that carries another address.
func Public(addr netip.Addr) bool {
	if !addr.IsValid() || addr.Is4In6() || addr.Zone() != "" || addr.Is6() && !public6.Contains(addr) {
		return false
	}
	for _, prefix := range special {
		if prefix.Contains(addr) {
			return false
		}
	}
	return true
}
