package models

// MeasureType says what a measure counts (3.3).
type MeasureType string

// measureTypes are the types by the vendor's code.
var measureTypes = map[int]MeasureType{
	1: "CURRENCY", 2: "DURATION", 3: "TRAFFIC", 4: "QUANTITY", 6: "LENGTH", 7: "CAPACITY", 9: "ROWS", 10: "PERIOD", 11: "FREQUENCY",
	12: "COUNT", 15: "CAPACITY_BY_TIME", 16: "BANDWIDTH", 17: "CAPACITY_TIME", 18: "QUERY_RATE", 19: "BANDWIDTH_1000", 20: "PERFORMANCE_TEST",
	21: "AREA", 22: "VIDEO", 23: "THROUGHPUT", 24: "RESOLUTION", 26: "PACKAGE_UNIT", 27: "CORES_BY_TIME", 28: "MEMORY_BY_TIME",
	29: "IOPS_BY_TIME", 30: "THROUGHPUT_BY_TIME", 31: "ITEMS_PER_TIME", 40: "TRAFFIC_1000", 41: "THOUSAND_TOKENS", 82: "FRAMES",
	98: "CACHE_BANDWIDTH_BY_TIME", 104: "TOKENS", 108: "QUANTITY_BY_TIME",
}

// MeasureTypeOf returns the type with the vendor's code, and whether there is one.
func MeasureTypeOf(wireCode int) (MeasureType, bool) {
	known, ok := measureTypes[wireCode]
	return known, ok
}

// WireCode returns the vendor's numeric code of the type, 0 for one that it does not have.
func (t MeasureType) WireCode() int {
	for code, known := range measureTypes {
		if known == t {
			return code
		}
	}
	return 0
}
