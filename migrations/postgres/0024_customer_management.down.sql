DROP INDEX orders_customer_paid;
--bun:split
ALTER TABLE resources DROP COLUMN thawed_status;
--bun:split
DROP TABLE customer_budgets;
--bun:split
DROP TABLE customer_contacts;
--bun:split
DROP TABLE customer_tags;
--bun:split
DROP INDEX associations_since;
--bun:split
DROP INDEX customers_prefix;
--bun:split
DROP INDEX customers_phone;
--bun:split
DROP INDEX customers_created;
--bun:split
DROP INDEX customers_kind;
--bun:split
DROP INDEX customers_frozen;
--bun:split
DROP INDEX customers_verified;
--bun:split
DROP INDEX customers_manager;
--bun:split
ALTER TABLE customers DROP COLUMN frozen_at;
--bun:split
ALTER TABLE customers DROP COLUMN frozen_reason;
--bun:split
ALTER TABLE customers DROP COLUMN frozen_by;
--bun:split
ALTER TABLE customers DROP COLUMN new_customer_until;
--bun:split
ALTER TABLE customers DROP COLUMN new_customer_from;
--bun:split
ALTER TABLE customers DROP COLUMN new_customer;
--bun:split
ALTER TABLE customers DROP COLUMN phone_blind;
--bun:split
ALTER TABLE customers DROP COLUMN account_manager_id;
