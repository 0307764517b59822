DROP TABLE coupon_whitelists;
--bun:split
DROP TABLE coupon_records;
--bun:split
DROP TABLE coupons;
