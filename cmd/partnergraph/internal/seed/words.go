package seed

import (
	"strings"

	"github.com/partnergraph/partnergraph/models"
)

// The words that names are made of: ordinary ones, so that no name is anybody's.
var (
	adjectives = []string{
		"amber", "brisk", "calm", "clear", "coral", "early", "fair", "gentle", "golden", "green", "jade", "keen", "light",
		"lucky", "mellow", "noble", "quiet", "rapid", "silver", "solid", "steady", "sunny", "vivid", "warm",
	}
	nouns = []string{
		"bamboo", "bridge", "brook", "canyon", "cedar", "cloud", "crane", "delta", "field", "forest", "garden", "harbor",
		"island", "lake", "lantern", "maple", "meadow", "orchid", "pine", "river", "stone", "tower", "valley", "willow",
	}
	trades = map[models.PartnerKind]string{
		models.Distributor: "Distribution", models.CloudReseller: "Resale", models.SolutionProvider: "Solutions",
	}
	regions = []string{"cn-north-1", "cn-north-4", "cn-east-2", "cn-east-3", "cn-south-1", "cn-southwest-2"}
)

func title(word string) string { return strings.ToUpper(word[:1]) + word[1:] }
