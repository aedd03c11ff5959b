package main

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"
)

const environmentPrefix = "PASSERELLE_"

// applyEnvironment sets the keys that the environment names: PASSERELLE_ and the
// key in upper case with underscores, so that component.secret is
// PASSERELLE_COMPONENT_SECRET. The value is read as in the file. A variable of a
// section that has no such key is a fault; others with our prefix are not ours.
func applyEnvironment(cfg *config, environment []string) error {
	fields := make(map[string]reflect.Value)
	collectFields(reflect.ValueOf(cfg).Elem(), "", fields)
	var faults []error
	for _, variable := range environment {
		name, value, _ := strings.Cut(variable, "=")
		key, ours := strings.CutPrefix(name, environmentPrefix)
		if !ours || key == "CONFIG" {
			continue
		}
		field, known := fields[key]
		if !known {
			if hasSection(fields, key) {
				faults = append(faults, fmt.Errorf("  environment: %s stands for no key of the configuration", name))
			}
			continue
		}
		if err := setField(field, value); err != nil {
			faults = append(faults, fmt.Errorf("  environment: %s: %w", name, err))
		}
	}
	return errors.Join(faults...)
}

// setField sets a text as it is, so that a secret may be of any characters, and
// anything else as YAML.
func setField(field reflect.Value, value string) error {
	if field.Kind() == reflect.String {
		field.SetString(value)
		return nil
	}
	if err := yaml.Unmarshal([]byte(value), field.Addr().Interface()); err != nil {
		return fmt.Errorf("%q does not fit: %w", value, err)
	}
	return nil
}

// collectFields lists the fields of a tree of structs by their yaml keys, in
// upper case and joined by underscores.
func collectFields(tree reflect.Value, prefix string, into map[string]reflect.Value) {
	for i := range tree.NumField() {
		tag := tree.Type().Field(i).Tag.Get("yaml")
		if tag == "" {
			continue
		}
		field := tree.Field(i)
		name, option, _ := strings.Cut(tag, ",")
		if option == "inline" {
			collectFields(field, prefix, into)
			continue
		}
		key := prefix + strings.ToUpper(name)
		if field.Kind() == reflect.Struct {
			collectFields(field, key+"_", into)
			continue
		}
		into[key] = field
	}
}

func hasSection(fields map[string]reflect.Value, key string) bool {
	section, _, found := strings.Cut(key, "_")
	if !found {
		return false
	}
	for name := range fields {
		if strings.HasPrefix(name, section+"_") {
			return true
		}
	}
	return false
}
