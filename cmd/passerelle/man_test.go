package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The page has every command and option of the usage.
func TestManPageIsComplete(t *testing.T) {
	text, err := os.ReadFile("../../contrib/man/passerelle.1")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for _, command := range regexp.MustCompile(`(?m)^  ([a-z-]+)`).FindAllStringSubmatch(usage, -1) {
		if !strings.Contains(page, ".It Cm "+command[1]+"\n") {
			t.Errorf("the man page lacks the command %s", command[1])
		}
	}
	for _, option := range regexp.MustCompile(`--([a-z-]+)`).FindAllStringSubmatch(usage, -1) {
		if !strings.Contains(page, ".Op Fl -"+option[1]) {
			t.Errorf("the man page lacks the option --%s", option[1])
		}
	}
}
