package gateway

import (
	"slices"
	"testing"
)

type fewTest struct{ name string }

func (f *fewTest) listedAs() string { return f.name }

func TestFew(t *testing.T) {
	var f few[string, *fewTest]
	names := func() (names []string) {
		for _, one := range f {
			names = append(names, one.name)
		}
		return names
	}
	for _, name := range []string{"c", "a", "d", "b"} {
		f.add(&fewTest{name})
	}
	if got := names(); !slices.Equal(got, []string{"a", "b", "c", "d"}) {
		t.Errorf("there are %v", got)
	}
	other := &fewTest{"b"}
	if f.add(other); len(f) != 4 || f.of("b") != other || f.of("a").name != "a" {
		t.Errorf("there are %v", names())
	}
	if f.of("") != nil || f.of("bb") != nil || f.of("e") != nil {
		t.Error("there is one that was never added")
	}
	f.remove("b")
	f.remove("e")
	if got := names(); !slices.Equal(got, []string{"a", "c", "d"}) {
		t.Errorf("left are %v", got)
	}
}

func TestFewWhileItChanges(t *testing.T) {
	var f few[string, *fewTest]
	for _, name := range []string{"a", "b", "c", "d"} {
		f.add(&fewTest{name})
	}
	var seen []string
	for _, one := range f {
		seen = append(seen, one.name)
		f.remove(one.name)
		f.add(&fewTest{one.name + one.name})
	}
	if !slices.Equal(seen, []string{"a", "b", "c", "d"}) {
		t.Errorf("seen were %v", seen)
	}
	if len(f) != 4 || f.of("aa") == nil || f.of("a") != nil {
		t.Errorf("left are %v", f)
	}
}
