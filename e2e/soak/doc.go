// Package soak measures what the end-to-end tests cannot say in seconds: whether
// one user, one host or one database that misbehaves is noticed by the others, and
// whether anything grows when five hundred users come and go for half an hour.
//
// Its tests need the build tag soak and the servers that the end-to-end tests need,
// and are run by "make soak". TestFairness reports figures and fails only where
// something is lost, for delays depend on the machine; TestSoak fails when something
// grows or is lost.
package soak
