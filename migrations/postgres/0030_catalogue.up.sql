CREATE TABLE catalogue_versions (
    id           text COLLATE "C" PRIMARY KEY,
    cloud        text NOT NULL,
    label        text COLLATE "C" NOT NULL,
    content_hash text NOT NULL,
    effective_at timestamptz NOT NULL,
    specs        bigint NOT NULL,
    prices       bigint NOT NULL,
    created_at   timestamptz NOT NULL
);
--bun:split
CREATE UNIQUE INDEX catalogue_versions_label ON catalogue_versions (cloud, label);
--bun:split
CREATE UNIQUE INDEX catalogue_versions_effective ON catalogue_versions (cloud, effective_at);
--bun:split
CREATE TABLE catalogue_regions (
    id         text COLLATE "C" PRIMARY KEY,
    version_id text COLLATE "C" NOT NULL REFERENCES catalogue_versions (id),
    code       text COLLATE "C" NOT NULL,
    name       text NOT NULL,
    zones      jsonb NOT NULL
);
--bun:split
CREATE UNIQUE INDEX catalogue_regions_code ON catalogue_regions (version_id, code);
--bun:split
CREATE TABLE catalogue_service_types (
    id           text COLLATE "C" PRIMARY KEY,
    version_id   text COLLATE "C" NOT NULL REFERENCES catalogue_versions (id),
    code         text COLLATE "C" NOT NULL,
    name         text NOT NULL,
    abbreviation text
);
--bun:split
CREATE UNIQUE INDEX catalogue_service_types_code ON catalogue_service_types (version_id, code);
--bun:split
CREATE TABLE catalogue_resource_types (
    id           text COLLATE "C" PRIMARY KEY,
    version_id   text COLLATE "C" NOT NULL REFERENCES catalogue_versions (id),
    code         text COLLATE "C" NOT NULL,
    service_type text COLLATE "C" NOT NULL,
    name         text NOT NULL,
    description  text
);
--bun:split
CREATE UNIQUE INDEX catalogue_resource_types_code ON catalogue_resource_types (version_id, code);
--bun:split
CREATE TABLE catalogue_specs (
    id            text COLLATE "C" PRIMARY KEY,
    version_id    text COLLATE "C" NOT NULL REFERENCES catalogue_versions (id),
    product       text COLLATE "C" NOT NULL,
    service_type  text COLLATE "C" NOT NULL,
    resource_type text COLLATE "C" NOT NULL,
    region        text COLLATE "C" NOT NULL,
    code          text COLLATE "C" NOT NULL,
    name          text NOT NULL,
    zones         jsonb NOT NULL
);
--bun:split
CREATE UNIQUE INDEX catalogue_specs_product ON catalogue_specs (version_id, product);
--bun:split
CREATE INDEX catalogue_specs_code ON catalogue_specs (version_id, code);
--bun:split
CREATE TABLE catalogue_usage_types (
    id            text COLLATE "C" PRIMARY KEY,
    version_id    text COLLATE "C" NOT NULL REFERENCES catalogue_versions (id),
    code          text COLLATE "C" NOT NULL,
    name          text NOT NULL,
    service_type  text COLLATE "C" NOT NULL,
    resource_type text COLLATE "C" NOT NULL
);
--bun:split
CREATE UNIQUE INDEX catalogue_usage_types_code ON catalogue_usage_types (version_id, resource_type, code);
--bun:split
CREATE TABLE catalogue_measures (
    id           text COLLATE "C" PRIMARY KEY,
    version_id   text COLLATE "C" NOT NULL REFERENCES catalogue_versions (id),
    measure_id   bigint NOT NULL,
    name         text NOT NULL,
    abbreviation text,
    type         text NOT NULL
);
--bun:split
CREATE UNIQUE INDEX catalogue_measures_measure ON catalogue_measures (version_id, measure_id);
--bun:split
CREATE TABLE catalogue_conversions (
    id             text COLLATE "C" PRIMARY KEY,
    version_id     text COLLATE "C" NOT NULL REFERENCES catalogue_versions (id),
    measure_id     bigint NOT NULL,
    ref_measure_id bigint NOT NULL,
    ratio          text NOT NULL
);
--bun:split
CREATE UNIQUE INDEX catalogue_conversions_measures ON catalogue_conversions (version_id, measure_id, ref_measure_id);
