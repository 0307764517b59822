ALTER TABLE sessions ADD COLUMN name_id_format TEXT;
--bun:split
ALTER TABLE sessions ADD COLUMN name_qualifier TEXT;
--bun:split
ALTER TABLE sessions ADD COLUMN sp_name_qualifier TEXT;
--bun:split
ALTER TABLE sessions ADD COLUMN method TEXT NOT NULL DEFAULT 'password';
--bun:split
UPDATE sessions SET method = 'saml' WHERE platform_id IS NOT NULL;
--bun:split
ALTER TABLE sessions ADD COLUMN authn_context TEXT;
--bun:split
ALTER TABLE signing_keys ADD COLUMN algorithm TEXT NOT NULL DEFAULT 'RSA_2048';
--bun:split
ALTER TABLE signing_keys ADD COLUMN published_at TEXT;
--bun:split
UPDATE signing_keys SET published_at = created_at;
--bun:split
ALTER TABLE signing_keys ADD COLUMN removed_at TEXT;
--bun:split
DROP INDEX signing_keys_active;
--bun:split
CREATE UNIQUE INDEX signing_keys_active ON signing_keys (platform_id, substr(algorithm, 1, 3)) WHERE state = 'ACTIVE';
--bun:split
CREATE UNIQUE INDEX signing_keys_next ON signing_keys (platform_id, substr(algorithm, 1, 3)) WHERE state = 'NEXT';
