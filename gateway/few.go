package gateway

import "slices"

// few is a small collection in the order of its names. Of most of these there is one,
// for which a map would take ten times the memory. Who ranges over it may add and
// remove meanwhile, and sees what there was in the beginning.
type few[K ~string, V named[K]] []V

// named is what is in such a collection.
type named[K ~string] interface {
	comparable
	listedAs() K
}

// at returns where the name is, or would be.
func (f few[K, V]) at(name K) (int, bool) {
	low, high := 0, len(f)
	for low < high {
		middle := int(uint(low+high) / 2)
		switch key := f[middle].listedAs(); {
		case key == name:
			return middle, true
		case key < name:
			low = middle + 1
		default:
			high = middle
		}
	}
	return low, false
}

// of returns the one of that name, or the zero value.
func (f few[K, V]) of(name K) (one V) {
	if i, found := f.at(name); found {
		return f[i]
	}
	return one
}

// add puts one in, in the place of another of its name.
func (f *few[K, V]) add(one V) {
	i, found := f.at(one.listedAs())
	if found {
		*f = slices.Clone(*f)
		(*f)[i] = one
		return
	}
	*f = slices.Insert(slices.Clip(*f), i, one)
}

// remove takes out the one of that name, if there is one.
func (f *few[K, V]) remove(name K) {
	if i, found := f.at(name); found {
		*f = slices.Concat((*f)[:i], (*f)[i+1:])
	}
}
