DROP TABLE order_items;
--bun:split
DROP TABLE orders;
