package gateway

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"passerelle/component"
)

const (
	nsValidate = "http://jabber.org/protocol/xdata-validate"
	nsDatatype = "xs:"
)

// fieldKind is a kind of form field (XEP-0004 §3.3).
type fieldKind string

const (
	textSingle  fieldKind = "text-single"
	textMulti   fieldKind = "text-multi"
	textPrivate fieldKind = "text-private"
	listSingle  fieldKind = "list-single"
	listMulti   fieldKind = "list-multi"
	jidMulti    fieldKind = "jid-multi"
	boolean     fieldKind = "boolean"
	fixed       fieldKind = "fixed"
	hidden      fieldKind = "hidden"
)

// field is a field of a form.
type field struct {
	name     string
	kind     fieldKind
	label    string
	help     string
	values   []string
	options  []option
	required bool
	// least and most limit a whole number (XEP-0122); both 0: no number.
	least, most int
}

// option is a choice of a list.
type option struct{ value, label string }

// isNumber reports whether the field takes a whole number.
func (f *field) isNumber() bool { return f.least != 0 || f.most != 0 }

// What one field may hold: forms are shown again, in one stanza.
const (
	mostValues   = 50
	longestValue = 500 // bytes
)

// check returns what is wrong with the values for the field, or nil.
func (f *field) check(values []string) error {
	if len(values) > mostValues {
		return fmt.Errorf("%s: more than %d values", f.label, mostValues)
	}
	for _, value := range values {
		if len(value) > longestValue {
			return fmt.Errorf("%s: a value of more than %d bytes", f.label, longestValue)
		}
	}
	if len(values) == 0 {
		if f.required {
			return fmt.Errorf("%s: a value is needed", f.label)
		}
		return nil
	}
	if len(values) > 1 && f.kind != textMulti && f.kind != listMulti && f.kind != jidMulti {
		return fmt.Errorf("%s: only one value is possible", f.label)
	}
	for _, value := range values {
		switch {
		case f.kind == boolean:
			if _, ok := parseBoolean(value); !ok {
				return fmt.Errorf("%s: %q is neither true nor false", f.label, value)
			}
		case f.kind == listSingle || f.kind == listMulti:
			if !slices.ContainsFunc(f.options, func(o option) bool { return o.value == value }) {
				return fmt.Errorf("%s: %q is not among the choices", f.label, value)
			}
		case f.kind == jidMulti:
			if _, err := component.ParseJID(value); err != nil {
				return fmt.Errorf("%s: %q is not a JID", f.label, value)
			}
		case f.isNumber():
			if number, err := strconv.Atoi(value); err != nil || number < f.least || number > f.most {
				return fmt.Errorf("%s: %q is not a whole number from %d to %d", f.label, value, f.least, f.most)
			}
		}
	}
	return nil
}

// parseBoolean understands the four spellings of XEP-0004 §3.3.
func parseBoolean(value string) (result, ok bool) {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "1", "true":
		return true, true
	case "0", "false":
		return false, true
	}
	return false, false
}

// form is a data form (XEP-0004).
type form struct {
	formType     string // FORM_TYPE (XEP-0068); empty for none
	title        string
	instructions string
	fields       []field
}

// write writes the form to be filled in, or with formType "result" to be read.
func (f *form) write(e *component.Encoder, formType string) {
	e.Open("x", nsForms)
	e.Attr("type", formType)
	if f.title != "" {
		e.Leaf("title", "", f.title)
	}
	if f.instructions != "" {
		e.Leaf("instructions", "", f.instructions)
	}
	if f.formType != "" {
		(&field{name: "FORM_TYPE", kind: hidden, values: []string{f.formType}}).write(e)
	}
	for i := range f.fields {
		f.fields[i].write(e)
	}
	e.Close()
}

func (f *field) write(e *component.Encoder) {
	e.Open("field", "")
	if f.name != "" {
		e.Attr("var", f.name)
	}
	e.Attr("type", string(f.kind))
	if f.label != "" {
		e.Attr("label", f.label)
	}
	if f.help != "" {
		e.Leaf("desc", "", f.help)
	}
	if f.isNumber() {
		e.Open("validate", nsValidate)
		e.Attr("datatype", nsDatatype+"integer")
		e.Open("range", "")
		e.Attr("min", strconv.Itoa(f.least))
		e.Attr("max", strconv.Itoa(f.most))
		e.Close()
		e.Close()
	}
	if f.required {
		e.Leaf("required", "", "")
	}
	for _, value := range f.values {
		e.Leaf("value", "", value)
	}
	for _, o := range f.options {
		e.Open("option", "")
		e.Attr("label", o.label)
		e.Leaf("value", "", o.value)
		e.Close()
	}
	e.Close()
}

// submission is what was filled in, by field. In the forms of commands a field
// that is missing is one that was left empty: clients leave out empty ones.
type submission map[string][]string

// parseSubmission reads a submitted form; ok is false for anything else.
func parseSubmission(x *component.Element) (submission, bool) {
	if x == nil || x.Attr("type") != "submit" {
		return nil, false
	}
	filled := make(submission)
	for i := range x.Children {
		f := &x.Children[i]
		if f.Local != "field" || f.Space != nsForms {
			continue
		}
		var values []string
		for j := range f.Children {
			if value := &f.Children[j]; value.Local == "value" && value.Space == nsForms && value.Text != "" {
				values = append(values, value.Text)
			}
		}
		if name := f.Attr("var"); name != "" {
			filled[name] = values
		}
	}
	return filled, true
}

// check returns everything that is wrong with a submission for the form.
func (f *form) check(filled submission) error {
	var faults []string
	for i := range f.fields {
		if err := f.fields[i].check(filled[f.fields[i].name]); err != nil {
			faults = append(faults, err.Error())
		}
	}
	if len(faults) > 0 {
		return refuse("not-acceptable", "%s", strings.Join(faults, "\n"))
	}
	return nil
}

// first returns the only value of a field, or "".
func (s submission) first(name string) string {
	if len(s[name]) == 0 {
		return ""
	}
	return s[name][0]
}

// has reports whether a field is in the submission, empty or not.
func (s submission) has(name string) bool {
	_, present := s[name]
	return present
}
