DROP TABLE order_reviews;
