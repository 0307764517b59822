package main

// fund moves the amount and returns the answer, or no row when the partner has too little or one of the accounts is missing.
// The key's row comes last and without ON CONFLICT: a key that was used ends the statement with a unique violation, and so
// takes everything back. An entry is no older than its account's last change, however long it waited for the row (I3). The
// partner's row is locked before the customer's, by all callers, so that none waits in a circle.
const fund = `
WITH debit AS (
	UPDATE accounts SET balance_minor = balance_minor - $3, version = version + 1, revision = revision + 1, updated_at = GREATEST(updated_at, $9)
	WHERE owner_id = $1 AND owner_kind = 'PARTNER' AND kind = 'BALANCE' AND asset = 'CNY'
		AND balance_minor - held_minor - earmarked_minor - $3 >= floor_minor
		AND EXISTS (SELECT FROM accounts WHERE owner_id = $2 AND owner_kind = 'CUSTOMER' AND kind = 'BALANCE' AND asset = 'CNY')
	RETURNING id, balance_minor, held_minor + earmarked_minor AS aside, version, revision, updated_at
), credit AS (
	UPDATE accounts SET balance_minor = balance_minor + $3, version = version + 1, revision = revision + 1, updated_at = GREATEST(updated_at, $9)
	WHERE owner_id = $2 AND owner_kind = 'CUSTOMER' AND kind = 'BALANCE' AND asset = 'CNY' AND EXISTS (SELECT FROM debit)
	RETURNING id, balance_minor, held_minor + earmarked_minor AS aside, version, revision, updated_at
), moved AS (
	INSERT INTO transfers (id, kind, actor_id, request_id, created_at)
	SELECT $4, 'FUND', 'floor', '', $9 FROM debit
), booked AS (
	INSERT INTO entries (id, transfer_id, account_id, asset, amount_minor, version, balance_after_minor, created_at)
	SELECT $6, $4, id, 'CNY', -$3, version, balance_minor, updated_at FROM debit
	UNION ALL
	SELECT $7, $4, id, 'CNY', $3, version, balance_minor, updated_at FROM credit
)
INSERT INTO idempotency_keys (scope, key, operation, request_hash, answer, created_at)
SELECT $1, $5, 'floor', $8, convert_to(json_build_object(
	'transferId', $4::text,
	'partner', json_build_object('availableMinor', debit.balance_minor - debit.aside, 'version', debit.revision),
	'customer', json_build_object('availableMinor', credit.balance_minor - credit.aside, 'version', credit.revision))::text, 'UTF8'), $9
FROM debit, credit
RETURNING answer`

// replay returns what a key answered.
const replay = `SELECT request_hash, answer FROM idempotency_keys WHERE scope = $1 AND key = $2`
