package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"fundledger/events/words"
	"fundledger/projections"
	"fundledger/projections/sheet"
)

// A watched is a run of watch in a pipe.
type watched struct {
	t      *testing.T
	lines  chan string
	cancel context.CancelFunc
	done   chan int
	err    bytes.Buffer
}

func (p *program) watching(t *testing.T, args ...string) *watched {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &watched{t: t, lines: make(chan string, 100), cancel: cancel, done: make(chan int, 1)}
	r, out := io.Pipe()
	go func() {
		code := run(ctx, p.app(out, &w.err, append([]string{"watch", "--lang", "en"}, args...)...))
		_ = out.Close()
		w.done <- code
	}()
	go func() {
		defer close(w.lines)
		for s := bufio.NewScanner(r); s.Scan(); {
			w.lines <- s.Text()
		}
	}()
	t.Cleanup(cancel)
	return w
}

// A change is a line of watch.
type change struct {
	Seq   int
	Rows  []map[string]any
	Total map[string]any
	Flags []map[string]any
}

func (w *watched) line() string {
	w.t.Helper()
	select {
	case line, ok := <-w.lines:
		if !ok {
			w.t.Fatalf("watch has ended with %d: %s", <-w.done, w.err.String())
		}
		return line
	case <-time.After(enough):
		w.t.Fatal("no line in time")
	}
	return ""
}

func (w *watched) next() (c change) {
	w.t.Helper()
	line := w.line()
	if err := json.Unmarshal([]byte(line), &c); err != nil {
		w.t.Fatalf("%s: %v", line, err)
	}
	return c
}

func (w *watched) stop() int {
	w.cancel()
	return <-w.done
}

func (c change) String() string {
	s := fmt.Sprint(c.Seq)
	for _, r := range c.Rows {
		s += fmt.Sprintf(" %v:%v", r["line"], r["available"])
	}
	if c.Total != nil {
		s += fmt.Sprintf(" total:%v", c.Total["available"])
	}
	for _, f := range c.Flags {
		s += fmt.Sprintf(" %v:%v", f["code"], f["line"])
	}
	return s
}

func (w *watched) want(want string) {
	w.t.Helper()
	if got := w.next().String(); got != want {
		w.t.Fatalf("the change is %q, want %q", got, want)
	}
}

const overspent = `{"id":"over","kind":"disbursed","fund":"f","year":2022,"date":"2022-05-01","line":"1","amount":"2000.00","channel":"payment","mode":"record","basis":"stated"}` + "\n"

// TestWatch: what others append to the folder meanwhile comes as a line of what has changed; what changes nothing of the year makes none.
func TestWatch(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, small)
	w := p.watching(t, "--fund", "f", "--year", "2022")
	w.want("2 1:1000.00 2:0.00 total:1000.00")
	p.append(t, pay("a"))
	w.want("3 1:999.00 total:999.00")
	p.append(t, `{"kind":"fund-opened","fund":"f","year":2023,"name":"资金"}`+"\n")
	p.append(t, `{"kind":"reallocated","fund":"f","year":2022,"date":"2022-05-01","from":[{"line":"1","amount":"9.00"}],"to":[{"line":"2","amount":"9.00"}]}`+"\n")
	w.want("5 1:990.00 2:9.00")
	p.append(t, overspent)
	w.want("6 1:-1010.00 total:-1001.00 over-budget:1")
	if code := w.stop(); code != exitOK || w.err.Len() > 0 {
		t.Errorf("exit %d: %s", code, w.err.String())
	}
	for range w.lines {
		t.Error("a line of nothing")
	}
}

// TestWatchAsCSV: one heading, then the rows that have changed, each with the number of its event.
func TestWatchAsCSV(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, small)
	w := p.watching(t, "--fund", "f", "--year", "2022", "--format", "csv", "--unit", "wan")
	columns := strings.Split(strings.TrimPrefix(w.line(), "\ufeff"), ",")
	want := func(rows ...string) {
		t.Helper()
		for _, want := range rows {
			record, err := csv.NewReader(strings.NewReader(w.line())).Read()
			if err != nil || len(record) != len(columns) {
				t.Fatalf("%d cells under %d headings: %v, %v", len(record), len(columns), record, err)
			}
			cell := func(name string) string { return record[slices.Index(columns, name)] }
			if got := strings.Join([]string{cell("known_at"), cell("line"), cell("available"), cell("counted_in")}, " "); got != want {
				t.Errorf("the row is %q, want %q", got, want)
			}
		}
	}
	want("2 1 0.10 10,000 yuan", "2 2 0.00 10,000 yuan", "2 0 0.10 10,000 yuan")
	p.append(t, `{"kind":"reallocated","fund":"f","year":2022,"date":"2022-05-01","from":[{"line":"1","amount":"300.00"}],"to":[{"line":"2","amount":"300.00"}]}`+"\n")
	want("3 1 0.07 10,000 yuan", "3 2 0.03 10,000 yuan")
	p.append(t, overspent)
	want("4 1 -0.13 10,000 yuan", "4 0 -0.10 10,000 yuan")
	p.append(t, `{"kind":"explained","fund":"f","year":2022,"line":"1","measure":"available","text":"x"}`+"\n") // no row of the table is another
	p.append(t, strings.NewReplacer("over", "more", "2000.00", "100.00").Replace(overspent))
	want("6 1 -0.14 10,000 yuan", "6 0 -0.11 10,000 yuan")
	if code := w.stop(); code != exitOK || w.err.Len() > 0 {
		t.Errorf("exit %d: %s", code, w.err.String())
	}
	for line := range w.lines {
		t.Error("a line too many: " + line)
	}
}

// TestWatchAsText: in a pipe, all of the table each time.
func TestWatchAsText(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, small)
	w := p.watching(t, "--fund", "f", "--year", "2022", "--format", "text")
	for i, available := range []string{"1,000.00", "999.00"} {
		line := w.line()
		for !strings.HasPrefix(line, "0 ") {
			line = w.line()
		}
		if after := w.line(); !strings.HasSuffix(line, " "+available) || after != "" {
			t.Errorf("the total is %q, and %q after it", line, after)
		}
		if i == 0 {
			p.append(t, pay("a"))
		}
	}
	w.stop()
}

// TestWatchThroughAServer: the server may come and go meanwhile.
func TestWatchThroughAServer(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, small)
	server, err := p.serve()
	if err != nil {
		t.Fatal(err)
	}
	w := p.watching(t, "--fund", "f", "--year", "2022")
	w.want("2 1:1000.00 2:0.00 total:1000.00")
	p.append(t, pay("a"))
	w.want("3 1:999.00 total:999.00")
	if got := server.stop(); got.code != exitOK {
		t.Fatalf("%+v", got)
	}
	p.append(t, pay("b"))
	w.want("4 1:998.00 total:998.00")
	again := p.serving(t)
	p.append(t, pay("c"))
	w.want("5 1:997.00 total:997.00")
	if code := w.stop(); code != exitOK {
		t.Errorf("exit %d: %s", code, w.err.String())
	}
	again.stop()
}

func TestWatchOfWhatIsNotThere(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	if got := p.run(t, "watch", "--fund", "f", "--year", "2022"); got.code != exitFailed || got.out != "" {
		t.Errorf("no folder: %+v", got)
	}
	p.append(t, small+`{"kind":"fund-opened","fund":"f","year":2023,"name":"x"}`) // so that the year cannot be left out
	for _, args := range [][]string{{"--fund", "g", "--year", "2022"}, {"--fund", "f", "--year", "2021"}, {"--fund", "f"}, {"--fund", "f", "--year", "2022", "--unit", "ounce"}, {"--fund", "f", "--year", "2022", "--format", "md"}} {
		if got := p.run(t, append([]string{"watch"}, args...)...); got.code != exitUsage || got.out != "" {
			t.Errorf("%v: %+v", args, got)
		}
	}
}

// A display is what a terminal of that size shows of what it is sent.
type display struct {
	rows   []string
	at     int
	hidden bool
}

func (d *display) Write(b []byte) (int, error) {
	text := string(b)
	for text != "" {
		switch {
		case strings.HasPrefix(text, hideCursor):
			d.hidden, text = true, text[len(hideCursor):]
		case strings.HasPrefix(text, showCursor):
			d.hidden, text = false, text[len(showCursor):]
		case strings.HasPrefix(text, clearAll):
			d.rows, d.at, text = nil, 0, text[len(clearAll):]
		case strings.HasPrefix(text, clearBelow):
			d.rows, text = d.rows[:min(d.at, len(d.rows))], text[len(clearBelow):]
		case strings.HasPrefix(text, "\r\x1b["):
			var n int
			if _, err := fmt.Sscanf(text, "\r\x1b[%dA", &n); err != nil {
				return 0, err
			}
			d.at -= n
			text = text[strings.IndexByte(text, 'A')+1:]
		default:
			line, rest, ok := strings.Cut(text, "\n")
			if !ok || !strings.HasSuffix(line, clearLine) || d.at < 0 {
				return 0, errors.New("not a line: " + line)
			}
			for len(d.rows) <= d.at {
				d.rows = append(d.rows, "")
			}
			d.rows[d.at] = strings.TrimSuffix(line, clearLine)
			d.at++
			text = rest
		}
	}
	return len(b), nil
}

func (d *display) String() string { return strings.Join(d.rows, "\n") }

func TestScreen(t *testing.T) {
	t.Parallel()
	d := &display{}
	width, height := 10, 5
	s := &screen{w: d, size: func() (int, int) { return width, height }}
	draw := func(text, want string) {
		t.Helper()
		if err := s.draw(func(int, int) (string, error) { return text, nil }); err != nil {
			t.Fatal(err)
		}
		if d.String() != want || !d.hidden {
			t.Errorf("the terminal shows\n%s\nwant\n%s", d, want)
		}
	}
	draw("a\nb\nc\n", "a\nb\nc")
	draw("a\nx\n", "a\nx")
	draw("a\nlonger than it\n项目资金余额\n", "a\nlonger th…\n项目资金…")
	draw("1\n2\n3\n4\n5\n6\n", "1\n2\n3\n…")
	if err := s.fit(); err != nil || d.String() != "1\n2\n3\n…" {
		t.Errorf("%v\n%s", err, d)
	}
	height = 20
	if err := s.fit(); err != nil || d.String() != "1\n2\n3\n4\n5\n6" {
		t.Errorf("%v\n%s", err, d)
	}
	if s.end(); d.hidden {
		t.Error("the cursor is gone")
	}
	if err := s.draw(func(int, int) (string, error) { return "", io.ErrUnexpectedEOF }); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v", err)
	}
}

// TestOnScreen: what does not fit goes in the order in which it is missed least; the total is there to the last.
func TestOnScreen(t *testing.T) {
	t.Parallel()
	row := func(line string, depth int) sheet.Row {
		return sheet.Row{Depth: depth, Cells: []sheet.Cell{sheet.Words(line), sheet.Number(1)}}
	}
	s := &sheet.Sheet{
		Name: "execution", Currency: "CNY", Face: []sheet.Cell{sheet.Say("face.as-of-any"), sheet.Say("face.basis-all")},
		Tables: []*sheet.Table{{
			Name: "rows", Columns: sheet.Columns("line", "|", "seq"), Total: &sheet.Row{Cells: []sheet.Cell{sheet.Words("0"), sheet.Number(9)}},
			Rows: sheet.Rows(row("1", 1), row("1.1", 2), row("1.1.1", 3), row("2", 1)),
		}},
	}
	a := &app{lang: words.English}
	for height, want := range map[int]string{100: "as of|1|1.1|1.1.1|2|0", 16: "as of|1|1.1|1.1.1|2|0", 15: "1|1.1|1.1.1|2|0", 14: "1|1.1|1.1.1|2|0", 13: "1|1.1|2|0", 12: "1|2|0", 3: "1|2|0"} {
		text, err := a.onScreen(s, sheet.Yuan, 80, height)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for line := range strings.Lines(text) {
			for _, w := range []string{"as of", "1", "1.1", "1.1.1", "2", "0"} {
				if strings.HasPrefix(line, w+" ") || strings.HasPrefix(line, w+":") {
					got = append(got, w)
				}
			}
		}
		if strings.Join(got, "|") != want || !strings.Contains(text, "Ctrl-C") {
			t.Errorf("%d lines: %v, want %s\n%s", height, got, want, text)
		}
	}
}

// TestOnANarrowScreen: what is available is seen on any terminal.
func TestOnANarrowScreen(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.append(t, sample())
	a := p.app(io.Discard, io.Discard)
	a.lang, a.folder = words.English, p.folder
	s, err := a.openRead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	book, _, _, err := s.book(t.Context(), parsed{fund: "cd-gx"})
	if err != nil {
		t.Fatal(err)
	}
	table, err := book.Table("execution", projections.Query{Year: 2022})
	if err != nil {
		t.Fatal(err)
	}
	for width, want := range map[int]string{
		300: "line name original adjusted spent rate committed lapsed carried available",
		140: "line name original adjusted spent rate committed available",
		130: "line name original adjusted spent rate available",
		80:  "line adjusted spent rate available",
		40:  "line spent rate available",
	} {
		text, err := a.onScreen(table, sheet.Wan, width, 100)
		if err != nil {
			t.Fatal(err)
		}
		before, _, _ := strings.Cut(text, "\n--")
		heads := before[strings.LastIndex(before, "\n")+1:]
		for _, name := range []string{"line", "name", "spent", "rate", "committed", "lapsed", "carried", "available"} {
			if got := strings.Contains(heads, name); got != slices.Contains(strings.Fields(want), name) {
				t.Errorf("%d columns: %s is there: %t\n%s", width, name, got, heads)
			}
		}
		if total := len(strings.Split(text[strings.Index(text, "\n--")+1:], "\n")[0]); total > width {
			t.Errorf("%d columns: the table is %d wide", width, total)
		}
	}
}
