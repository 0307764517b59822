DROP TABLE reseller_managers;
--bun:split
DROP TABLE cooperation_requests;
--bun:split
DROP TABLE cooperations;
