// Package packages is what customers have bought to pay for use with before money does: resource packages, their items, and every deduction from
// them (O18).
//
// It owns the tables resource_packages, package_items, package_cycles and package_usages, and the rule which item pays for a use first. A package
// is a resource too, and what renews or ends that one renews or ends it: orders tell this room. What an item has left in a cycle is its amount less
// the usage records of the cycle (I9); records are added and never changed. It does not own resources, prices, nor what stays to be paid in money.
//
// Locks: items in the order of their ids, after the usage records of sales/billing; cycles belong to the item.
//
// Neighbours: sales/orders brings packages to life, renews and ends them; sales/billing has them pay; the catalogue says, through Contents, what
// they hold; sales/customers tells of customers that leave or change their mode.
package packages
