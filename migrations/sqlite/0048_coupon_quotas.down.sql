DROP TABLE coupon_quota_records;
--bun:split
DROP TABLE coupon_quotas;
