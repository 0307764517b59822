CREATE TABLE order_reviews (
    customer_id text COLLATE "C" PRIMARY KEY REFERENCES customers (id),
    reason      text NOT NULL,
    created_at  timestamptz NOT NULL
);
