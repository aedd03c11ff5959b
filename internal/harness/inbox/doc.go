// Package inbox keeps what a client of the tests has received until somebody asks for it,
// and the end of its conversation for failure reports.
//
// It belongs to no goroutine: one puts in what it reads, and any may wait for something.
// What nobody asks for stays, and grows with it.
package inbox
