package sheet

import "reflect"

// Changed returns what of a sheet differs from an earlier one: of the main table, the rows that differ and the total where it does; of the others,
// those that differ, whole. It is nil where nothing does. before may be nil.
func Changed(before, after *Sheet) *Sheet {
	out := *after
	out.Tables = nil
	for i, t := range after.Tables {
		if before == nil {
			out.Tables = append(out.Tables, t)
			continue
		}
		old := before.Tables[i]
		was := map[string]Row{}
		var all []Row
		for r := range old.Rows {
			was[r.Cells[0].text] = r
			all = append(all, r)
		}
		changed := *t
		var rows []Row
		var now []Row
		for r := range t.Rows {
			now = append(now, r)
			if old, ok := was[r.Cells[0].text]; !ok || !reflect.DeepEqual(old.Cells, r.Cells) {
				rows = append(rows, r)
			}
		}
		if i > 0 {
			if !reflect.DeepEqual(all, now) {
				out.Tables = append(out.Tables, t)
			}
			continue
		}
		changed.Rows = Rows(rows...)
		if t.Total != nil && old.Total != nil && reflect.DeepEqual(old.Total.Cells, t.Total.Cells) {
			changed.Total = nil
		}
		if len(rows) > 0 || changed.Total != nil {
			out.Tables = append(out.Tables, &changed)
		}
	}
	if len(out.Tables) == 0 {
		return nil
	}
	return &out
}
