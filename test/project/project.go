// Package project holds the tests of the project as a whole: that imports go down only, that
// what is generated is fresh, and that everything builds where it should.
package project
