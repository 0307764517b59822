// Package coupons is value that partners give their customers to pay orders with (1H).
//
// It owns the tables coupon_quotas, coupon_quota_records, coupons, coupon_records, coupon_uses and coupon_whitelists: where
// quotas come from and who may hand them on, what coupons may be issued from them and to whom, their way back, what they paid, and their
// ends. What they hold are accounts of sales/ledger in an asset of their own, the id of the root quota: value leaves the outside for a root
// quota, goes on to resellers' quotas and to coupons, from a coupon to the cloud's revenue, and back the same way. The rows repeat the balances of
// their accounts, and the audit proves that they are equal and that children + issued + available = quota (I6). Pure rules, such as what
// a coupon pays for, are in models. It does not own the payment of orders, which is sales/orders', nor the incentives that quotas are converted from.
//
// Locks: customers are shared first, then the rows of coupons are locked in the order of their ids, then those of quotas in the order of theirs, then accounts:
// what pays for orders before what gives to quotas. Orders come before all of them, money after.
//
// Neighbours: sales/orders pays with coupons and gives them back, sales/customers tells of customers that leave or change their mode, the jobs of store/jobs come
// when something begins or ends; it uses sales/ledger, sales/events and sales/access.
package coupons
