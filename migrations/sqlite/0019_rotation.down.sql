DROP INDEX signing_keys_next;
--bun:split
DROP INDEX signing_keys_active;
--bun:split
DELETE FROM signing_keys WHERE substr(algorithm, 1, 3) <> 'RSA' OR removed_at IS NOT NULL;
--bun:split
CREATE UNIQUE INDEX signing_keys_active ON signing_keys (platform_id) WHERE state = 'ACTIVE';
--bun:split
ALTER TABLE signing_keys DROP COLUMN removed_at;
--bun:split
ALTER TABLE signing_keys DROP COLUMN published_at;
--bun:split
ALTER TABLE signing_keys DROP COLUMN algorithm;
--bun:split
ALTER TABLE sessions DROP COLUMN authn_context;
--bun:split
ALTER TABLE sessions DROP COLUMN method;
--bun:split
ALTER TABLE sessions DROP COLUMN sp_name_qualifier;
--bun:split
ALTER TABLE sessions DROP COLUMN name_qualifier;
--bun:split
ALTER TABLE sessions DROP COLUMN name_id_format;
