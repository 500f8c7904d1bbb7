package sheet

import (
	"iter"
	"slices"
	"strconv"

	"fundledger/events/words"
)

// numbers is the place of the column that [Table.Numbered] adds.
const numbers = -1

// number adds that column after the code of the line, where the reader is used to it.
func (l *layout) number() {
	if l.t.Numbered && l.o.Lang == words.Chinese {
		l.columns = slices.Insert(l.columns, 1, numbers)
	}
}

func (l *layout) heading(i int) string {
	if i == numbers {
		return heading(l.o.Lang, "number")
	}
	return l.s.heading(l.o.Lang, l.t.Columns[i].Name)
}

// rows walks the rows of the table with their numbers.
func (l *layout) rows(yield func(Row) bool) {
	if !l.t.Numbered {
		l.t.Rows(yield)
		return
	}
	numbered(l.t.Rows)(yield)
}

// numbered counts the rows of a tree among their siblings.
func numbered(rows iter.Seq[Row]) iter.Seq[Row] {
	return func(yield func(Row) bool) {
		var counts []int
		for r := range rows {
			depth := max(1, r.Depth)
			for len(counts) < depth {
				counts = append(counts, 0)
			}
			counts = counts[:depth]
			counts[depth-1]++
			r.number = ordinal(depth, counts[depth-1])
			if !yield(r) {
				return
			}
		}
	}
}

// ordinal is the n-th of its level as official papers number it: 一、 then （一）, 1. and （1）.
func ordinal(level, n int) string {
	switch level {
	case 1:
		return chinese(n) + "、"
	case 2:
		return "（" + chinese(n) + "）"
	case 3:
		return strconv.Itoa(n) + "."
	}
	return "（" + strconv.Itoa(n) + "）"
}

var chineseDigits = []string{"", "一", "二", "三", "四", "五", "六", "七", "八", "九"}

// chinese writes a number below a hundred in Chinese, 十 and not 一十; larger ones, which no budget has among siblings, in digits.
func chinese(n int) string {
	switch {
	case n < 1 || n > 99:
		return strconv.Itoa(n)
	case n < 10:
		return chineseDigits[n]
	case n < 20:
		return "十" + chineseDigits[n%10]
	}
	return chineseDigits[n/10] + "十" + chineseDigits[n%10]
}
