package companies

// The bounds of a file, of one of its lines, and of what a record lists.
const (
	// MaxLineBytes is the longest line.
	MaxLineBytes = 256 << 10
	// MaxLines is how many lines one load reads, also empty ones.
	MaxLines = 2_000_000
	// MaxProblems is how many lines a load answers; it counts them all.
	MaxProblems = 100

	maxLabel       = 100
	maxText        = 200  // characters of a name or a word
	maxDescription = 1000 // characters
	maxNames       = 20   // former names, providers
	maxRelations   = 500
	maxFinancings  = 100
	maxInvestors   = 50
	maxOfferings   = 200 // products, and as many brands
	maxRankings    = 100
	maxRights      = 1000
	maxRevision    = 999
)

// record is what one line says of a company, as it is written (docs/companies.md).
type record struct {
	Country            string `json:"country"`
	RegistrationNumber string `json:"registrationNumber"`
	Source             string `json:"source"`
	AsOf               string `json:"asOf"`
	Revision           int    `json:"revision"`

	Name                string      `json:"name"`
	NameEn              string      `json:"nameEn"`
	FormerNames         []string    `json:"formerNames"`
	Status              string      `json:"status"`
	LegalRepresentative string      `json:"legalRepresentative"`
	Founded             string      `json:"founded"`
	RegisteredCapital   *amount     `json:"registeredCapital"`
	Industry            string      `json:"industry"`
	Region              string      `json:"region"`
	Size                string      `json:"size"`
	Website             string      `json:"website"`
	Relations           []relation  `json:"relations"`
	Cloud               *cloud      `json:"cloud"`
	FinancingRounds     []financing `json:"financingRounds"`
	Products            []offering  `json:"products"`
	Brands              []offering  `json:"brands"`
	Rankings            []ranking   `json:"rankings"`
	Intellectual        *rights     `json:"intellectualProperty"`
}

type amount struct {
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}

// relation is what another company is to this one.
type relation struct {
	Kind               string `json:"kind"` // PARENT, SUBSIDIARY, HEAD_OFFICE, BRANCH, SHAREHOLDER, INVESTMENT or OFFICER
	Name               string `json:"name"`
	Country            string `json:"country"` // empty = this company's
	RegistrationNumber string `json:"registrationNumber"`
	Share              string `json:"share"` // per cent; of a SHAREHOLDER or an INVESTMENT
	Since              string `json:"since"`
	Until              string `json:"until"`
}

type cloud struct {
	WalletThickness string   `json:"walletThickness"`
	Activity        string   `json:"activity"`
	Providers       []string `json:"providers"`
	URL             string   `json:"url"`
}

type financing struct {
	Round     string   `json:"round"`
	On        string   `json:"on"`
	Amount    *amount  `json:"amount"`
	Investors []string `json:"investors"`
}

type offering struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

type ranking struct {
	Name  string `json:"name"`
	Place int    `json:"place"`
	On    string `json:"on"`
}

type rights struct {
	Patents            *int    `json:"patents"`
	Trademarks         *int    `json:"trademarks"`
	SoftwareCopyrights *int    `json:"softwareCopyrights"`
	List               []right `json:"list"`
}

type right struct {
	Kind   string `json:"kind"` // PATENT, TRADEMARK or SOFTWARE_COPYRIGHT
	Title  string `json:"title"`
	Number string `json:"number"`
	On     string `json:"on"`
}
