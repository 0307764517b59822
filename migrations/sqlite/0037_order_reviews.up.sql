CREATE TABLE order_reviews (
    customer_id TEXT PRIMARY KEY REFERENCES customers (id),
    reason      TEXT NOT NULL,
    created_at  TEXT NOT NULL
) STRICT;
