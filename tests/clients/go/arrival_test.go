package clients

import (
	"encoding/json"
	"reflect"
	"strings"
)

// What became of the fields of a type in documents that were decoded into it, by their paths. The elements of a list
// share one.
type arrival struct {
	// Some document says something.
	said map[string]bool
	// Some document says nothing.
	unsaid map[string]bool
	// What was decoded is not what the document says.
	lost map[string]bool
}

func newArrival() arrival {
	return arrival{map[string]bool{}, map[string]bool{}, map[string]bool{}}
}

// Compares a value with the document that it was decoded from; its numbers are json.Number.
func (arrival arrival) add(path string, value reflect.Value, document any) {
	note := func(paths map[string]bool, is bool) {
		if is {
			paths[path] = true
		}
	}
	switch value.Kind() {
	case reflect.Struct:
		entries, isObject := document.(map[string]any)
		note(arrival.lost, document != nil && !isObject)
		for index := range value.NumField() {
			name := value.Type().Field(index).Name
			arrival.add(strings.TrimPrefix(path+"."+name, "."), value.Field(index), entry(entries, name))
		}
	case reflect.Slice:
		items, isList := document.([]any)
		note(arrival.lost, (document != nil && !isList) || len(items) != value.Len())
		note(arrival.said, len(items) > 0)
		note(arrival.unsaid, len(items) == 0)
		for index := range min(len(items), value.Len()) {
			arrival.add(path, value.Index(index), items[index])
		}
	default:
		note(arrival.said, document != nil)
		note(arrival.unsaid, document == nil)
		note(arrival.lost, !isSame(value, document))
	}
}

func isSame(value reflect.Value, document any) bool {
	switch document := document.(type) {
	case nil:
		return value.IsZero()
	case json.Number:
		whole, err := document.Int64()
		return err == nil && value.CanInt() && whole == value.Int()
	default:
		return document == value.Interface()
	}
}

// What stands under a key in any case: so Go reads it.
func entry(entries map[string]any, name string) any {
	for key, value := range entries {
		if strings.EqualFold(key, name) {
			return value
		}
	}
	return nil
}

// What no document says anything about.
func (arrival arrival) neverSaid() []string {
	found := map[string]bool{}
	for path := range arrival.unsaid {
		if !arrival.said[path] {
			found[path] = true
		}
	}
	return sorted(found)
}
