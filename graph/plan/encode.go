package plan

// writeNext writes the next row of the level as an object.
func (b *buffer) writeNext(lv *level) bool {
	row, i := lv.rows[lv.next], lv.next
	lv.next++
	b.char('{')
	for n := range lv.of.fields {
		f := &lv.of.fields[n]
		if n > 0 {
			b.char(',')
		}
		b.raw(f.key)
		if f.loads && !b.relation(f, &lv.loaded[n], i) || !f.loads && !b.own(f, row) {
			return false
		}
	}
	b.char('}')
	return true
}

// relation writes what was loaded for a row.
func (b *buffer) relation(f *field, loaded *relation, row int) bool {
	if f.kind.of == nil {
		return f.kind.answer(b, loaded.values[row])
	}
	count := loaded.counts[row]
	if count == null {
		b.null()
		return true
	}
	if !f.kind.list {
		return b.writeRelated(loaded)
	}
	b.char('[')
	for i := range count {
		if i > 0 {
			b.char(',')
		}
		if !b.writeRelated(loaded) {
			return false
		}
	}
	b.char(']')
	return true
}

func (b *buffer) writeRelated(loaded *relation) bool {
	if loaded.mixed == nil {
		return b.writeNext(loaded.rows)
	}
	at := loaded.at
	loaded.at++
	return b.writeNext(loaded.mixed[at])
}

// own writes a field that the object has itself, with nothing to load below it.
func (b *buffer) own(f *field, row any) bool {
	if f.kind == nil {
		b.plain(f.typename)
		return true
	}
	if f.kind.leaf != nil {
		return f.kind.leaf(b, row)
	}
	value := f.kind.value(row)
	if value == nil {
		b.null()
		return !f.kind.nonNull
	}
	if !f.kind.list {
		return b.object(f.selected, value)
	}
	b.char('[')
	for i, element := range f.kind.of.spread(value, nil) {
		if i > 0 {
			b.char(',')
		}
		if !b.object(f.selected, element) {
			return false
		}
	}
	b.char(']')
	return true
}

func (b *buffer) object(of *object, row any) bool {
	b.char('{')
	for n := range of.fields {
		if n > 0 {
			b.char(',')
		}
		b.raw(of.fields[n].key)
		if !b.own(&of.fields[n], row) {
			return false
		}
	}
	b.char('}')
	return true
}
