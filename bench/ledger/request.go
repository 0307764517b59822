package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/partnergraph/partnergraph/bench/internal/load"
)

// fundMinor is what every request moves, 0.01; the sums afterwards are therefore the numbers of requests.
const fundMinor = 1

const fundMutation = `mutation Fund($input: FundCustomerInput!) { fundCustomer(input: $input) { transfer { id } ` +
	`partnerBalance { available { amount currency } version } customerBalance { available { amount currency } version } } }`

// keyWidth is the length of every idempotency key, so that requests can be prepared with a hole for it.
const keyWidth = 32

// hole stands in a prepared request where the key goes.
var hole = bytes.Repeat([]byte{'#'}, keyWidth)

// key returns the n-th key of a contestant in this run.
func (at *place) key(contestant string, n int64) string {
	return fmt.Sprintf("%-5.5s-%s-%017d", contestant, at.run, n)
}

// prepared is a whole HTTP request with a hole for its key.
type prepared struct {
	request []byte
	hole    int
}

func prepare(address, path, secret string, body any) (prepared, error) {
	content, err := json.Marshal(body)
	if err != nil {
		return prepared{}, err
	}
	var request bytes.Buffer
	fmt.Fprintf(&request, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", path, address, len(content))
	if secret != "" {
		fmt.Fprintf(&request, "Authorization: Bearer %s\r\n", secret)
	}
	request.WriteString("\r\n")
	request.Write(content)
	return prepared{request: request.Bytes(), hole: bytes.Index(request.Bytes(), hole)}, nil
}

// with returns the request with a key, written into the buffer.
func (p prepared) with(key string, buffer []byte) []byte {
	buffer = append(buffer[:0], p.request...)
	copy(buffer[p.hole:], key)
	return buffer
}

// askOurs prepares a funding of the pair's customer through GraphQL. Amount is a decimal such as 0.01.
func (at *place) askOurs(p pair, amount string) (prepared, error) {
	return prepare(at.oursAt, "/graphql", p.secret, map[string]any{"query": fundMutation, "variables": map[string]any{
		"input": map[string]any{"customerId": p.customer, "amount": amount, "idempotencyKey": string(hole)},
	}})
}

func (at *place) askFloor(p pair, amountMinor int64) (prepared, error) {
	return prepare(at.floorAt, "/fund", "", map[string]any{
		"partnerId": p.partner, "customerId": p.customer, "amountMinor": amountMinor, "idempotencyKey": string(hole),
	})
}

var (
	graphQLAnswer = []byte(`{"data":{"fundCustomer":{"transfer":{"id":"trf_`)
	floorAnswer   = []byte(`{"transferId" : "trf_`)
	codeOf        = []byte(`"code":"`)
)

// refusal returns "" for an answer that carried the request out, and else its code.
func refusal(wanted []byte, status int, body []byte, err error) string {
	switch {
	case err != nil:
		return "CONNECTION"
	case status == 200 && bytes.HasPrefix(body, wanted):
		return ""
	}
	if _, rest, found := bytes.Cut(body, codeOf); found {
		code, _, _ := bytes.Cut(rest, []byte{'"'})
		return string(code)
	}
	if status != 200 {
		return "HTTP " + strconv.Itoa(status)
	}
	return "NO ANSWER"
}

// overHTTP makes each client's calls: over a connection of its own, for the pairs in turn, with new keys.
func (at *place) overHTTP(contestant, address string, wanted []byte, requests []prepared) func(int) (load.Call, error) {
	return func(int) (load.Call, error) {
		conn, err := load.Dial(address)
		if err != nil {
			return nil, err
		}
		buffer := make([]byte, 0, 2048)
		return func() string {
			n := at.asked.Next()
			buffer = requests[n%int64(len(requests))].with(at.key(contestant, n), buffer)
			status, body, err := conn.Do(buffer)
			return refusal(wanted, status, body, err)
		}, nil
	}
}

// answer is what both contestants say about a funding.
type answer struct {
	Refusal                         string
	PartnerMinor, CustomerMinor     int64
	PartnerVersion, CustomerVersion int64
	TransferPresent                 bool
}

// fundOurs funds once through GraphQL and returns the answer.
func (at *place) fundOurs(conn *load.Conn, p pair, amount, key string) (answer, error) {
	request, err := at.askOurs(p, amount)
	if err != nil {
		return answer{}, err
	}
	status, body, err := conn.Do(request.with(key, nil))
	if code := refusal(graphQLAnswer, status, body, err); code != "" {
		return answer{Refusal: code}, err
	}
	type balance struct {
		Available struct{ Amount string }
		Version   int64
	}
	var got struct {
		Data struct {
			FundCustomer struct {
				Transfer                        struct{ ID string }
				PartnerBalance, CustomerBalance balance
			}
		}
	}
	if err := json.Unmarshal(body, &got); err != nil {
		return answer{}, err
	}
	done := got.Data.FundCustomer
	partner, partnerErr := minor(done.PartnerBalance.Available.Amount)
	customer, customerErr := minor(done.CustomerBalance.Available.Amount)
	if partnerErr != nil || customerErr != nil {
		return answer{}, fmt.Errorf("amounts of %s", body)
	}
	return answer{
		TransferPresent: done.Transfer.ID != "", PartnerMinor: partner, CustomerMinor: customer,
		PartnerVersion: done.PartnerBalance.Version, CustomerVersion: done.CustomerBalance.Version,
	}, nil
}

// fundFloor funds once through the floor and returns the answer.
func (at *place) fundFloor(conn *load.Conn, p pair, amountMinor int64, key string) (answer, error) {
	request, err := at.askFloor(p, amountMinor)
	if err != nil {
		return answer{}, err
	}
	status, body, err := conn.Do(request.with(key, nil))
	if code := refusal(floorAnswer, status, body, err); code != "" {
		if status == 409 {
			code = string(bytes.TrimSpace(body))
		}
		return answer{Refusal: code}, err
	}
	type balance struct{ AvailableMinor, Version int64 }
	var got struct {
		TransferID        string
		Partner, Customer balance
	}
	err = json.Unmarshal(body, &got)
	return answer{
		TransferPresent: got.TransferID != "", PartnerMinor: got.Partner.AvailableMinor, CustomerMinor: got.Customer.AvailableMinor,
		PartnerVersion: got.Partner.Version, CustomerVersion: got.Customer.Version,
	}, err
}
