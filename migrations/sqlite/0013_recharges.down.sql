DROP TABLE payer_agreements;
--bun:split
DROP TABLE remittances;
--bun:split
DROP TABLE remittance_claims;
--bun:split
DROP TABLE recharges;
