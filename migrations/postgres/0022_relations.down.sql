DROP TABLE association_requests;
--bun:split
DROP TABLE invitations;
--bun:split
DROP TABLE customer_reports;
--bun:split
DROP TABLE customer_restrictions;
