CREATE TABLE company_loads (
    id          text COLLATE "C" PRIMARY KEY,
    label       text NOT NULL,
    lines       bigint NOT NULL,
    added       bigint NOT NULL,
    replaced    bigint NOT NULL,
    unchanged   bigint NOT NULL,
    older       bigint NOT NULL,
    refused     bigint NOT NULL,
    created_at  timestamptz NOT NULL,
    finished_at timestamptz
);
--bun:split
CREATE TABLE companies (
    id                   text COLLATE "C" PRIMARY KEY,
    key                  text COLLATE "C" NOT NULL,
    country              text COLLATE "C" NOT NULL,
    registration_number  text COLLATE "C" NOT NULL,
    name                 text NOT NULL,
    name_en              text,
    former_names         jsonb NOT NULL,
    status               text NOT NULL,
    legal_representative text,
    founded              text COLLATE "C",
    capital_amount       text,
    capital_currency     text,
    industry             text COLLATE "C",
    region               text COLLATE "C",
    size                 text,
    website              text,
    wallet_thickness     text,
    cloud_activity       text,
    cloud_providers      jsonb NOT NULL,
    cloud_url            text,
    patent_count         bigint,
    trademark_count      bigint,
    software_count       bigint,
    source               text NOT NULL,
    as_of                text COLLATE "C" NOT NULL,
    revision             bigint NOT NULL,
    content_hash         text NOT NULL,
    load_id              text COLLATE "C" NOT NULL REFERENCES company_loads (id),
    created_at           timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL
);
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
    term       text COLLATE "C" NOT NULL,
    company_id text COLLATE "C" NOT NULL REFERENCES companies (id),
    PRIMARY KEY (term, company_id)
);
--bun:split
CREATE INDEX company_terms_company ON company_terms (company_id);
--bun:split
CREATE TABLE company_relations (
    id         text COLLATE "C" PRIMARY KEY,
    company_id text COLLATE "C" NOT NULL REFERENCES companies (id),
    kind       text NOT NULL,
    from_key   text COLLATE "C" NOT NULL,
    from_name  text NOT NULL,
    to_key     text COLLATE "C" NOT NULL,
    to_name    text NOT NULL,
    share      text,
    since      text COLLATE "C",
    until      text COLLATE "C",
    source     text NOT NULL,
    as_of      text COLLATE "C" NOT NULL
);
--bun:split
CREATE INDEX company_relations_company ON company_relations (company_id, id);
--bun:split
CREATE INDEX company_relations_from ON company_relations (from_key, id);
--bun:split
CREATE INDEX company_relations_to ON company_relations (to_key, id);
--bun:split
CREATE TABLE company_financings (
    id         text COLLATE "C" PRIMARY KEY,
    company_id text COLLATE "C" NOT NULL REFERENCES companies (id),
    round      text NOT NULL,
    held_on    text COLLATE "C",
    amount     text,
    currency   text,
    investors  jsonb NOT NULL
);
--bun:split
CREATE INDEX company_financings_company ON company_financings (company_id, id);
--bun:split
CREATE TABLE company_offerings (
    id          text COLLATE "C" PRIMARY KEY,
    company_id  text COLLATE "C" NOT NULL REFERENCES companies (id),
    kind        text NOT NULL,
    name        text NOT NULL,
    description text
);
--bun:split
CREATE INDEX company_offerings_company ON company_offerings (company_id, kind, id);
--bun:split
CREATE TABLE company_rankings (
    id         text COLLATE "C" PRIMARY KEY,
    company_id text COLLATE "C" NOT NULL REFERENCES companies (id),
    name       text NOT NULL,
    place      bigint,
    ranked_on  text COLLATE "C"
);
--bun:split
CREATE INDEX company_rankings_company ON company_rankings (company_id, id);
--bun:split
CREATE TABLE company_rights (
    id            text COLLATE "C" PRIMARY KEY,
    company_id    text COLLATE "C" NOT NULL REFERENCES companies (id),
    kind          text NOT NULL,
    title         text NOT NULL,
    number        text,
    registered_on text COLLATE "C"
);
--bun:split
CREATE INDEX company_rights_company ON company_rights (company_id, kind, id);
