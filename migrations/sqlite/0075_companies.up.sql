CREATE TABLE company_loads (
    id          TEXT PRIMARY KEY,
    label       TEXT NOT NULL,
    lines       INTEGER NOT NULL,
    added       INTEGER NOT NULL,
    replaced    INTEGER NOT NULL,
    unchanged   INTEGER NOT NULL,
    older       INTEGER NOT NULL,
    refused     INTEGER NOT NULL,
    created_at  TEXT NOT NULL,
    finished_at TEXT
) STRICT;
--bun:split
CREATE TABLE companies (
    id                   TEXT PRIMARY KEY,
    key                  TEXT NOT NULL,
    country              TEXT NOT NULL,
    registration_number  TEXT NOT NULL,
    name                 TEXT NOT NULL,
    name_en              TEXT,
    former_names         TEXT NOT NULL,
    status               TEXT NOT NULL,
    legal_representative TEXT,
    founded              TEXT,
    capital_amount       TEXT,
    capital_currency     TEXT,
    industry             TEXT,
    region               TEXT,
    size                 TEXT,
    website              TEXT,
    wallet_thickness     TEXT,
    cloud_activity       TEXT,
    cloud_providers      TEXT NOT NULL,
    cloud_url            TEXT,
    patent_count         INTEGER,
    trademark_count      INTEGER,
    software_count       INTEGER,
    source               TEXT NOT NULL,
    as_of                TEXT NOT NULL,
    revision             INTEGER NOT NULL,
    content_hash         TEXT NOT NULL,
    load_id              TEXT NOT NULL REFERENCES company_loads (id),
    created_at           TEXT NOT NULL,
    updated_at           TEXT NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX companies_key ON companies (key);
--bun:split
CREATE INDEX companies_number ON companies (registration_number, id);
--bun:split
CREATE INDEX companies_country ON companies (country, id);
--bun:split
CREATE INDEX companies_status ON companies (status, id);
--bun:split
CREATE INDEX companies_industry ON companies (industry, id);
--bun:split
CREATE INDEX companies_region ON companies (region, id);
--bun:split
CREATE INDEX companies_size ON companies (size, id);
--bun:split
CREATE INDEX companies_wallet_thickness ON companies (wallet_thickness, id);
--bun:split
CREATE INDEX companies_cloud_activity ON companies (cloud_activity, id);
--bun:split
CREATE TABLE company_terms (
    term       TEXT NOT NULL,
    company_id TEXT NOT NULL REFERENCES companies (id),
    PRIMARY KEY (term, company_id)
) STRICT, WITHOUT ROWID;
--bun:split
CREATE INDEX company_terms_company ON company_terms (company_id);
--bun:split
CREATE TABLE company_relations (
    id         TEXT PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id),
    kind       TEXT NOT NULL,
    from_key   TEXT NOT NULL,
    from_name  TEXT NOT NULL,
    to_key     TEXT NOT NULL,
    to_name    TEXT NOT NULL,
    share      TEXT,
    since      TEXT,
    until      TEXT,
    source     TEXT NOT NULL,
    as_of      TEXT NOT NULL
) STRICT;
--bun:split
CREATE INDEX company_relations_company ON company_relations (company_id, id);
--bun:split
CREATE INDEX company_relations_from ON company_relations (from_key, id);
--bun:split
CREATE INDEX company_relations_to ON company_relations (to_key, id);
--bun:split
CREATE TABLE company_financings (
    id         TEXT PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id),
    round      TEXT NOT NULL,
    held_on    TEXT,
    amount     TEXT,
    currency   TEXT,
    investors  TEXT NOT NULL
) STRICT;
--bun:split
CREATE INDEX company_financings_company ON company_financings (company_id, id);
--bun:split
CREATE TABLE company_offerings (
    id          TEXT PRIMARY KEY,
    company_id  TEXT NOT NULL REFERENCES companies (id),
    kind        TEXT NOT NULL,
    name        TEXT NOT NULL,
    description TEXT
) STRICT;
--bun:split
CREATE INDEX company_offerings_company ON company_offerings (company_id, kind, id);
--bun:split
CREATE TABLE company_rankings (
    id         TEXT PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES companies (id),
    name       TEXT NOT NULL,
    place      INTEGER,
    ranked_on  TEXT
) STRICT;
--bun:split
CREATE INDEX company_rankings_company ON company_rankings (company_id, id);
--bun:split
CREATE TABLE company_rights (
    id            TEXT PRIMARY KEY,
    company_id    TEXT NOT NULL REFERENCES companies (id),
    kind          TEXT NOT NULL,
    title         TEXT NOT NULL,
    number        TEXT,
    registered_on TEXT
) STRICT;
--bun:split
CREATE INDEX company_rights_company ON company_rights (company_id, kind, id);
