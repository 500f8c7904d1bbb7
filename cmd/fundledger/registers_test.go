package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"fundledger/ledger"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// registerSeed makes the papers of this run. FUNDLEDGER_SEED makes those of another again.
func registerSeed(t testing.TB) uint64 {
	t.Helper()
	if s := os.Getenv("FUNDLEDGER_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatalf("FUNDLEDGER_SEED: %v", err)
		}
		return n
	}
	return rand.Uint64()
}

// papers are the ten registers with the files that they are written as, by form.
func papers(t *testing.T) (all []*paper, files []map[string]string) {
	t.Helper()
	seed := registerSeed(t)
	dir, saved := t.TempDir(), t.TempDir()
	for at := range hands {
		p := writePaper(at, seed)
		of := map[string]string{}
		for _, form := range forms[:3] {
			of[form] = p.write(t, dir, form)
		}
		all, files = append(all, p), append(files, of)
	}
	t.Run("LibreOffice", func(t *testing.T) {
		var books []string
		for _, of := range files {
			books = append(books, of["excelize.xlsx"])
		}
		office(t, saved, books...)
		for i, book := range books {
			files[i]["office.xlsx"] = filepath.Join(saved, filepath.Base(book))
		}
	})
	return all, files
}

// someForms is one of the forms that need no other program, another for each paper and seed: what goes wrong goes wrong alike in all.
func someForms(seed uint64, at int) []string {
	i := (seed%3 + uint64(at)) % 3
	return forms[i : i+1]
}

// desk is a folder with what the ledger has before a paper comes.
func (p *paper) desk(t testing.TB) *program {
	t.Helper()
	q := &program{folder: filepath.Join(t.TempDir(), "data")}
	if p.setup != "" {
		q.with(p.setup).ok(t, "append")
	}
	return q
}

// importing are the arguments that import a file of the paper.
func (p *paper) importing(file string, more ...string) []string {
	args := append([]string{"import", file, "--as", p.as, "--lang", "en"}, p.flags...)
	if p.setup == "" {
		args = append(args, "--fund", "f")
	}
	return append(args, more...)
}

// compare holds what is stored after the first events against what is true.
func (p *paper) compare(t testing.TB, lines []string, sorted bool) {
	t.Helper()
	before := strings.Count(p.setup, "\n")
	var got []truth
	for _, e := range parseEvents(t, lines)[before:] {
		of := asTruth(t, e.Data.Command)
		if of.kind == "fund-opened" && p.opens != nil {
			var c posted
			if err := json.Unmarshal(e.Data.Command, &c); err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, l := range c.Lines {
				names = append(names, l.Code+" "+l.Name)
			}
			if !slices.Equal(names, p.opens) {
				t.Error(p.fault("opened %q, want %q", names, p.opens))
			}
			continue
		}
		got = append(got, of)
	}
	want := slices.Clone(p.want)
	if sorted {
		for _, of := range [][]truth{got, want} {
			slices.SortStableFunc(of, func(a, b truth) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		}
	}
	if len(got) != len(want) {
		t.Fatal(p.fault("%d commands were stored, want %d", len(got), len(want)))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Error(p.fault("command %d is\n%+v, want\n%+v", i+1, got[i], want[i]))
		}
	}
}

// tables holds the execution table against what is true, line by line.
func (p *paper) tables(t testing.TB, q *program) {
	t.Helper()
	measure := map[string]string{"payments": "disbursed", "awards": "committed", "receipts": "confirmed"}[p.as]
	want := map[string]int64{}
	for _, row := range p.want {
		switch p.as {
		case "budget":
			want[row.line+" "+row.stage] += row.fen
		case "bank":
		default:
			want[row.line+" "+measure] += row.fen
		}
	}
	var table struct{ Rows []map[string]any }
	if err := json.Unmarshal([]byte(q.ok(t, "table", "execution", "--fund", "f", "--year", "2022", "--format", "json")), &table); err != nil {
		t.Fatal(err)
	}
	columns := []string{measure}
	switch p.as {
	case "budget":
		columns = []string{"original", "supplementary"}
	case "bank": // moves no line
		columns = []string{"disbursed", "committed"}
	}
	leaves := 0
	for _, row := range table.Rows {
		if row["leaf"] != true {
			continue
		}
		leaves++
		for _, column := range columns {
			key := row["line"].(string) + " " + column
			if got := fenOf(t, row[column].(string)); got != want[key] {
				t.Error(p.fault("%s is %d fen, want %d", key, got, want[key]))
			}
			delete(want, key)
		}
	}
	if len(want) > 0 || leaves == 0 {
		t.Error(p.fault("of %v the table has nothing", want))
	}
}

// TestRegistersImportToTheFen imports each of ten layouts from each of four forms: a trial says what will happen and stores nothing, the import gives the commands and the tables
// that are true, and another form posts nothing twice.
func TestRegistersImportToTheFen(t *testing.T) {
	t.Parallel()
	all, files := papers(t)
	for i, p := range all {
		for at, form := range forms {
			file, next := files[i][form], files[i][forms[(at+1)%len(forms)]]
			if file == "" {
				continue // said by the subtest that has no program
			}
			if next == "" {
				next = files[i][forms[0]]
			}
			t.Run(p.name+"/"+form, func(t *testing.T) {
				t.Parallel()
				p.importsToTheFen(t, file, next)
			})
		}
	}
}

func (p *paper) importsToTheFen(t *testing.T, file, next string) {
	q := p.desk(t)
	before := len(q.stored(t))
	refused := filepath.Join(t.TempDir(), "refused"+filepath.Ext(file))
	tried := q.run(t, p.importing(file, "--dry-run", "--format", "json", "--refused", refused)...)
	if tried.code != exitOK {
		t.Fatal(p.fault("the trial ends with %d: %s\n%s", tried.code, tried.err, tried.out))
	}
	var trial struct {
		Rows []struct {
			Status, Kind string
			Amount       *string
		}
	}
	if err := json.Unmarshal([]byte(tried.out), &trial); err != nil {
		t.Fatal(err)
	}
	var would []int64
	for _, row := range trial.Rows {
		if row.Status == "would-append" && row.Kind != "fund-opened" {
			would = append(would, fenOf(t, *row.Amount))
		}
	}
	var want []int64
	for _, row := range p.want {
		want = append(want, row.fen)
	}
	if !slices.Equal(would, want) {
		t.Error(p.fault("the trial promises %d, want %d", would, want))
	}
	if n := len(q.stored(t)); n != before {
		t.Fatal(p.fault("the trial stored %d events", n-before))
	}
	got := q.run(t, p.importing(file, "--refused", refused)...)
	if got.code != exitOK {
		t.Fatal(p.fault("exit %d: %s", got.code, got.err))
	}
	lines := q.stored(t)
	p.compare(t, lines, false)
	p.tables(t, q)
	again := q.run(t, p.importing(next, "--refused", refused)...)
	rs := receipts(t, again.out)
	for i := range rs {
		if rs[i].Status != ledger.Duplicate {
			t.Error(p.fault("row %d of %s is %s", rs[i].Input, filepath.Base(next), statuses(rs[i:i+1])))
		}
	}
	if again.code != exitOK || len(rs) != len(p.want) || !strings.Contains(again.err, "rows that were there already: ") {
		t.Error(p.fault("of %d rows %d were there already: exit %d, %s", len(p.want), len(rs), again.code, again.err))
	}
	if n := len(q.stored(t)); n != len(lines) {
		t.Error(p.fault("the same rows in another file stored %d events more", n-len(lines)))
	}
}

// TestRegistersWithAWrongTotalPostNothing changes one printed total of each paper by the least that is no rounding.
func TestRegistersWithAWrongTotalPostNothing(t *testing.T) {
	t.Parallel()
	seed := registerSeed(t)
	for at := range hands {
		for _, form := range someForms(seed, at) {
			p := writePaper(at, seed)
			of := p.totals[rand.New(rand.NewPCG(seed, 7)).IntN(len(p.totals))]
			more := int64(1)
			if of.power > 0 {
				more = 10_000_00
			}
			wrong := inUnit(of.fen+more, of.power)
			p.rows[of.row][of.column] = ink{shown: wrong, number: wrong, format: "#,##0.00####"}
			t.Run(p.name+"/"+form, func(t *testing.T) {
				t.Parallel()
				q := p.desk(t)
				before := len(q.stored(t))
				got := q.run(t, p.importing(p.write(t, t.TempDir(), form))...)
				if got.code != exitRefused || got.out != "" || !strings.Contains(got.err, "row "+strconv.Itoa(of.row+1)) || !strings.Contains(got.err, "nothing was imported") {
					t.Error(p.fault("a total of row %d that is wrong: exit %d, %s%s", of.row+1, got.code, got.out, got.err))
				}
				if !strings.Contains(got.err, thousands(inUnit(more, 0))) {
					t.Error(p.fault("nobody says that it is %s too much: %s", inUnit(more, 0), got.err))
				}
				if n := len(q.stored(t)); n != before {
					t.Error(p.fault("%d events were stored all the same", n-before))
				}
			})
		}
	}
}

// TestRegistersWithoutAUnitAreAskedAbout takes the unit away from each paper.
func TestRegistersWithoutAUnitAreAskedAbout(t *testing.T) {
	t.Parallel()
	seed := registerSeed(t)
	for at := range hands {
		for _, form := range someForms(seed, at) {
			p := writePaper(at, seed)
			for where, bare := range p.units {
				p.rows[where[0]][where[1]] = say(bare)
			}
			for _, row := range p.rows { // nor may a cell say it
				for c := range row {
					row[c].shown = strings.NewReplacer("¥", "", "￥", "").Replace(row[c].shown)
				}
			}
			t.Run(p.name+"/"+form, func(t *testing.T) {
				t.Parallel()
				q := p.desk(t)
				before := len(q.stored(t))
				file := p.write(t, t.TempDir(), form)
				got := q.run(t, p.importing(file)...)
				if got.code != exitUsage || got.out != "" || !strings.Contains(got.err, "hint: ") || !strings.Contains(got.err, "--unit") {
					t.Error(p.fault("nobody says the unit: exit %d, %s%s", got.code, got.out, got.err))
				}
				if n := len(q.stored(t)); n != before {
					t.Error(p.fault("%d events were stored all the same", n-before))
				}
				if got = q.run(t, p.importing(file, "--unit", p.unit)...); got.code != exitOK {
					t.Fatal(p.fault("with the unit: exit %d, %s", got.code, got.err))
				}
				p.compare(t, q.stored(t), false)
			})
		}
	}
}

// spoilt is what stands in a cell in which a key was hit for another.
const spoilt = "12O.50"

// TestRefusedRowsAreMendedAndImported spoils the amount of one row of each paper, mends it in the file of refused rows, and imports that.
func TestRefusedRowsAreMendedAndImported(t *testing.T) {
	t.Parallel()
	seed := registerSeed(t)
	for at := range hands {
		for _, form := range someForms(seed, at) {
			p := writePaper(at, seed)
			of := p.amounts[rand.New(rand.NewPCG(seed, 9)).IntN(len(p.amounts))]
			p.rows[of.row][of.column] = say(spoilt)
			t.Run(p.name+"/"+form, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				q, refused := p.desk(t), filepath.Join(dir, "refused"+filepath.Ext(form))
				got := q.run(t, p.importing(p.write(t, dir, form), "--refused", refused)...)
				if got.code != exitRefused || !strings.Contains(got.err, "1 refused") || !strings.Contains(got.out, spoilt) || strings.Count(got.out, `"input":`+strconv.Itoa(of.row+1)+",") != 1 {
					t.Fatal(p.fault("row %d is spoilt: exit %d, %s%s", of.row+1, got.code, got.out, got.err))
				}
				mend(t, refused, inUnit(of.fen, of.power))
				q.ok(t, p.importing(refused, "--refused", refused)...)
				p.compare(t, q.stored(t), true)
				p.tables(t, q)
			})
		}
	}
}

// mend writes the right amount where the wrong one stands.
func mend(t testing.TB, file, right string) {
	t.Helper()
	if filepath.Ext(file) == ".csv" {
		text, err := os.ReadFile(file)
		if err != nil || strings.Count(string(text), spoilt) < 1 {
			t.Fatalf("the file of refused rows has no %s: %v\n%s", spoilt, err, text)
		}
		// The reason tells the value too, behind the row's own cells.
		if err := os.WriteFile(file, []byte(strings.Replace(string(text), spoilt, right, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	f, err := excelize.OpenFile(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	found := 0
	for _, sheet := range f.GetSheetList() {
		at, err := f.SearchSheet(sheet, spoilt)
		if err != nil {
			t.Fatal(err)
		}
		for _, cell := range at {
			found++
			if err := f.SetCellStr(sheet, cell, right); err != nil {
				t.Fatal(err)
			}
		}
	}
	if found != 1 {
		t.Fatalf("%s stands in %d cells of the file of refused rows", spoilt, found)
	}
	if err := f.Save(); err != nil {
		t.Fatal(err)
	}
}

// TestGuessedMappings goes by the mapping that --guess writes, which must give what the file alone gives.
func TestGuessedMappings(t *testing.T) {
	t.Parallel()
	seed := registerSeed(t)
	for at := range hands {
		for _, form := range someForms(seed, at) {
			p := writePaper(at, seed)
			t.Run(p.name+"/"+form, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				q, file, mapping := p.desk(t), p.write(t, dir, form), filepath.Join(dir, "map.json")
				before := len(q.stored(t))
				if err := os.WriteFile(mapping, []byte(q.ok(t, p.importing(file, "--guess")...)), 0o600); err != nil {
					t.Fatal(err)
				}
				if n := len(q.stored(t)); n != before {
					t.Error(p.fault("%d events were stored by a guess", n-before))
				}
				q.ok(t, p.importing(file, "--map", mapping)...)
				p.compare(t, q.stored(t), false)
			})
		}
	}
}

// writeReturns is a register of payments of which some stand in it with a negative amount, in every writing of one.
func writeReturns() *paper {
	p := &paper{name: "有退款的支付表", as: "payments", setup: funded(), comma: ','}
	p.texts("支付日期", "项目", "收款人全称", "支付金额（元）", "备注")
	const red = "#,##0.00;[Red]#,##0.00" // the minus is not shown
	row := func(day, payee string, amount ink) { p.row(say(day), say("产业发展"), say(payee), amount, ink{}) }
	row("2022-05-01", "甲公司", say("78.88"))                                                        // event 5
	row("2022-05-02", "乙公司", say("500.00"))                                                       // 6
	row("2022-05-03", "乙公司", say("50.00"))                                                        // 7: too little to give back 100
	row("2022-05-04", "丙公司", say("60.00"))                                                        // 8
	row("2022-05-05", "丙公司", say("60.00"))                                                        // 9
	row("2022-05-06", "丁公司", say("1,000.00"))                                                     // 10
	row("2022-05-07", "戊公司", say("78.88"))                                                        // 11: the amount alone is that of another payee
	row("2022-06-01", "甲公司", ink{shown: "(78.88)"})                                               // in brackets
	row("2022-06-02", "乙公司", ink{shown: "-100.00", number: "100", format: "#,##0.00", red: true}) // in red ink
	row("2022-06-03", "丙公司", ink{shown: "－60", number: "-60", format: red})
	row("2022-06-04", "丁公司", ink{shown: "400.00-", number: "-400", format: red})
	return p
}

// TestNegativeRowsAskWhatTheyTakeBack imports returns in every form: each negative row names the payments that it may take back and nothing else, and becomes what is
// answered in the file of refused rows.
func TestNegativeRowsAskWhatTheyTakeBack(t *testing.T) {
	t.Parallel()
	p := writeReturns()
	dir, saved := t.TempDir(), t.TempDir()
	files := map[string]string{}
	for _, form := range forms[:3] {
		files[form] = p.write(t, dir, form)
	}
	t.Run("LibreOffice", func(t *testing.T) {
		office(t, saved, files["excelize.xlsx"])
		files["office.xlsx"] = filepath.Join(saved, filepath.Base(files["excelize.xlsx"]))
	})
	for _, form := range forms {
		if files[form] == "" {
			continue // said by the subtest that has no program
		}
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			q, refused := p.desk(t), filepath.Join(t.TempDir(), "refused"+filepath.Ext(form))
			got := q.run(t, p.importing(files[form], "--refused", refused)...)
			rs := receipts(t, got.out)
			if got.code != exitRefused || len(rs) != 11 {
				t.Fatalf("exit %d, %s%s", got.code, got.out, got.err)
			}
			for i, want := range [][]string{{"5: 2022-05-01 甲公司 78.88"}, {"6: 2022-05-02 乙公司 500.00"}, {"8: 2022-05-04 丙公司 60.00", "9: 2022-05-05 丙公司 60.00"}, {"10: 2022-05-06 丁公司 1,000.00"}} {
				r := rs[7+i]
				named := strings.Split(r.Args["candidates"], "; ")
				slices.Sort(named)
				if r.Status != ledger.Refused || r.Input != 9+i || !slices.Equal(named, want) || !strings.Contains(r.Hint, want[0]) {
					t.Errorf("row %d is %s and may take back %q, want %q", r.Input, statuses(rs[7+i:8+i]), named, want)
				}
			}
			if n := len(q.stored(t)); n != 4+7 {
				t.Errorf("%d events are stored, want 11", n)
			}
			answer(t, refused, [][2]string{{"退票", "5"}, {"refund", "6"}, {"冲销", "9"}, {"更正:1.1", "10"}})
			q.ok(t, p.importing(refused, "--refused", refused)...)
			var what []string
			for _, e := range parseEvents(t, q.stored(t))[11:] {
				var c posted
				if err := json.Unmarshal(e.Data.Command, &c); err != nil {
					t.Fatal(err)
				}
				what = append(what, fmt.Sprint(c.Kind, c.Cause, c.Date, c.Of, fenOf(t, c.Amount), c.ToLine))
			}
			want := []string{
				fmt.Sprint("clawed-back", "returned", "2022-06-01", 5, 0, ""), fmt.Sprint("clawed-back", "refund", "2022-06-02", 6, 100_00, ""), fmt.Sprint("reversed", "", "", 9, 0, ""),
				fmt.Sprint("reclassified", "", "", 10, 400_00, "1.1"),
			}
			if !slices.Equal(what, want) {
				t.Errorf("the rows became\n%q, want\n%q", what, want)
			}
			// 1,827.76 were paid; 78.88 and 100 came back, 60 were no payment, 400 are of the other line.
			for _, cell := range []struct {
				line, measure string
				fen           int64
			}{{"2", "disbursed", 1827_76 - 60_00 - 400_00}, {"2", "returned", 178_88}, {"1.1", "disbursed", 400_00}, {"1.1", "returned", 0}} {
				if got := cellOf(t, q, cell.line, cell.measure); got != cell.fen {
					t.Errorf("%s of line %s is %d fen, want %d", cell.measure, cell.line, got, cell.fen)
				}
			}
			again := q.run(t, p.importing(refused, "--refused", refused)...)
			if rs := receipts(t, again.out); again.code != exitOK || statuses(rs) != "duplicate duplicate duplicate duplicate" {
				t.Errorf("the answers once more: exit %d, %s%s", again.code, again.out, again.err)
			}
		})
	}
}

// cellOf is a cell of the execution table, in fen.
func cellOf(t testing.TB, q *program, line, measure string) int64 {
	t.Helper()
	var table struct{ Rows []map[string]any }
	if err := json.Unmarshal([]byte(q.ok(t, "table", "execution", "--fund", "f", "--year", "2022", "--format", "json")), &table); err != nil {
		t.Fatal(err)
	}
	for _, row := range table.Rows {
		if row["line"] == line {
			return fenOf(t, row[measure].(string))
		}
	}
	t.Fatalf("the table has no line %s", line)
	return 0
}

// answer fills in the two last columns of a file of refused rows.
func answer(t testing.TB, file string, answers [][2]string) {
	t.Helper()
	if filepath.Ext(file) == ".csv" {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		coded := !utf8.Valid(raw)
		if coded {
			if raw, err = simplifiedchinese.GB18030.NewDecoder().Bytes(raw); err != nil {
				t.Fatal(err)
			}
		}
		rows, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
		if err != nil || len(rows) != len(answers)+1 {
			t.Fatalf("%d rows of refused ones, %v:\n%s", len(rows), err, raw)
		}
		for i, a := range answers {
			row := rows[i+1]
			row[len(row)-2], row[len(row)-1] = a[0], a[1]
		}
		var out bytes.Buffer
		if err := csv.NewWriter(&out).WriteAll(rows); err != nil {
			t.Fatal(err)
		}
		text := out.Bytes()
		if coded {
			if text, err = simplifiedchinese.GB18030.NewEncoder().Bytes(text); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	f, err := excelize.OpenFile(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sheet := f.GetSheetName(0)
	rows, err := f.GetRows(sheet)
	if err != nil || len(rows) != len(answers)+1 {
		t.Fatalf("%d rows of refused ones, %v: %q", len(rows), err, rows)
	}
	for i, name := range rows[0] {
		for r, a := range answers {
			at, _ := excelize.CoordinatesToCellName(i+1, r+2)
			switch name {
			case "action":
				err = f.SetCellStr(sheet, at, a[0])
			case "of": // as a hand types it, a number
				err = f.SetCellDefault(sheet, at, a[1])
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := f.Save(); err != nil {
		t.Fatal(err)
	}
}
