package main

import (
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fundledger/events"
	"fundledger/events/words"
	"fundledger/ledger/desk"
)

// deskFund has something of everything that a command can be about.
const deskFund = `{"id":"o22","kind":"fund-opened","fund":"f","year":2022,"name":"产业","lines":[{"code":"1","name":"设备"},{"code":"2","name":"园区"},{"code":"2.1","name":"道路","parent":"2"}]}
{"id":"b1","kind":"appropriated","fund":"f","year":2022,"date":"2022-01-05","line":"1","amount":"1000.00","stage":"original"}
{"id":"b2","kind":"appropriated","fund":"f","year":2022,"date":"2022-01-05","line":"2.1","amount":"500.00","stage":"original"}
{"id":"o23","kind":"fund-opened","fund":"f","year":2023,"name":"产业","lines":[{"code":"1","name":"设备"}]}
{"id":"pay","kind":"disbursed","fund":"f","year":2022,"date":"2022-03-01","line":"1","amount":"100.00","channel":"payment","payee":{"name":"甲公司"}}
{"id":"com","kind":"committed","fund":"f","year":2022,"date":"2022-03-02","line":"1","amount":"80.00","payee":{"name":"乙公司"}}
{"id":"all","kind":"allotted","fund":"f","year":2022,"date":"2022-03-03","line":"2.1","amount":"70.00","to":"鼎城区"}
{"id":"low","kind":"disbursed","fund":"f","year":2022,"date":"2022-03-04","line":"2.1","amount":"60.00","channel":"lower-treasury"}
{"id":"sus","kind":"clawed-back","cause":"unidentified","fund":"f","year":2022,"date":"2022-03-05","amount":"5.00"}
{"id":"back","kind":"clawed-back","cause":"refund","fund":"f","year":2022,"date":"2022-04-01","of":"pay","amount":"30.00"}
{"id":"lot","kind":"carried-over","fund":"f","year":2022,"date":"2022-12-31","line":"2.1","amount":"40.00","lot":"CO-22","purpose":"续建","to_year":2023,"to_line":"1"}
{"id":"pay2","kind":"disbursed","fund":"f","year":2022,"date":"2022-05-01","line":"1","amount":"20.00","channel":"payment","payee":{"name":"甲公司"}}
`

// A deskCase is what somebody fills in of a kind.
type deskCase struct {
	kind    string
	answers map[string][]string
}

func answersOfCase(pairs ...string) map[string][]string {
	out := map[string][]string{}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]] = append(out[pairs[i]], pairs[i+1])
	}
	return out
}

var deskCases = []deskCase{
	{"appropriated", answersOfCase("year", "2022", "line", "1", "amount", "1.2万元", "stage", "supplementary", "date", "2022年5月")},
	{"reallocated", answersOfCase("year", "2022", "from", "1=10", "to", "2.1=4.5", "to", "2.1=5.5", "date", "2022-05-01")},
	{"carried-in", answersOfCase("year", "2022", "line", "1", "amount", "7", "lot", "X", "purpose", "路", "from-year", "2021", "date", "2022-01-01")},
	{"carried-over", answersOfCase("year", "2022", "line", "1", "amount", "7", "lot", "X", "purpose", "路", "to-year", "2023", "to-line", "1", "date", "2022-12-31")},
	{"allotted", answersOfCase("year", "2022", "line", "2.1", "amount", "7", "to", "武陵区", "date", "2022-05-01")},
	{"allotment-withdrawn", answersOfCase("of", "7", "amount", "5", "date", "2022-05-01")},
	{"committed", answersOfCase("year", "2022", "line", "1", "amount", "壹佰元整", "payee", "丙", "contract", "常合〔2022〕1号", "date", "2022-05-01")},
	{"commitment-released", answersOfCase("of", "6", "amount", "5", "date", "2022-05-01")},
	{"disbursed", answersOfCase("year", "2022", "line", "1", "amount", "1,00.0", "channel", "payment", "date", "2022-05-01")}, // an amount that cannot be read
	{"disbursed", answersOfCase("year", "2022", "line", "1", "amount", "10", "channel", "payment", "payee", `甲<script>alert(1)</script>&"'`, "payee-class", "enterprise", "voucher", "国库/2022/拨款/9", "document", "常财〔2022〕1号", "document", "常财〔2022〕2号", "dim", "district=430702", "date", "2022/5/1")},
	{"disbursed", answersOfCase("year", "2022", "line", "1", "amount", "80", "channel", "payment", "commitment", "6", "mode", "record", "document", "x", "date", "2022-05-01")},
	{"disbursed", answersOfCase("year", "2023", "line", "1", "amount", "40", "channel", "payment", "lot", "CO-22", "date", "2023-05-01")},
	{"disbursed", answersOfCase("year", "2022", "line", "1", "amount", "100000", "channel", "payment", "date", "2022-05-01")}, // over the budget
	{"receipt-confirmed", answersOfCase("of", "8", "amount", "60", "payee", "乙", "date", "2022-05-01")},
	{"lapse", answersOfCase("year", "2022", "line", "1", "amount", "5", "date", "2022-12-31")},
	{"rescission", answersOfCase("year", "2022", "line", "1", "amount", "5", "date", "2022-12-31")},
	{"returned", answersOfCase("of", "8", "date", "2022-05-01")},
	{"refund", answersOfCase("of", "5", "amount", "70", "date", "2022-05-01", "settles", "9")},
	{"refund", answersOfCase("of", "5", "amount", "70.01", "date", "2022-05-01")}, // more than is left
	{"offset", answersOfCase("of", "5", "amount", "7", "against", "12", "date", "2022-05-01")},
	{"prior-year", answersOfCase("of", "5", "year", "2023", "amount", "7", "date", "2023-05-01")}, // whose year is not closed
	{"unidentified", answersOfCase("year", "2022", "amount", "7", "date", "2022-05-01")},
	{"reclassified", answersOfCase("of", "5", "amount", "70", "to-line", "2.1", "reason", "记错项目")},
}

// A formPage is the page of a form, as a browser gets it.
type formPage struct{ text string }

// command is what the page would send, "" where it would send nothing.
func (p formPage) command() string {
	m := regexp.MustCompile(`(?s)<code data-command>(.*?)</code>`).FindStringSubmatch(p.text)
	if m == nil {
		return ""
	}
	return html.UnescapeString(m[1])
}

// refusal is what stands where the ledger refuses: its words, what to do, and at which field.
func (p formPage) refusal() (message, hint, field string) {
	m := regexp.MustCompile(`(?s)<div class="errors"[^>]*><h2[^>]*>[^<]*</h2>\s*<p>(?:<a href="#f-([^"]*)">)?(.*?)(?:</a>)?</p>(?:<p class="hint">([^<]*)</p>)?`).FindStringSubmatch(p.text)
	if m == nil {
		return "", "", ""
	}
	return html.UnescapeString(m[2]), html.UnescapeString(m[3]), m[1]
}

// inItsWords is a message of the ledger with a field called as the form calls it.
func (p formPage) inItsWords(message, path, field string) string {
	label := regexp.MustCompile(`<label for="f-` + field + `"><span class="name">([^<]*)</span>`).FindStringSubmatch(p.text)
	if path == "" || label == nil {
		return message
	}
	return strings.Replace(message, path, html.UnescapeString(label[1]), 1)
}

// rawWords are what belongs on the command line or into a command, and not on a page.
var rawWords = regexp.MustCompile(`fundledger |--[a-z]|"[a-z_]+"|[a-z]_[a-z]|\b(reallocated|disbursed|clawed-back|carried-over|[a-z]+-(opened|added|closed|reopened|released|withdrawn|year))\b`)

// value is what stands in a field.
func (p formPage) value(name string) string {
	if m := regexp.MustCompile(`<input id="f-` + name + `" [^>]*?value="([^"]*)"`).FindStringSubmatch(p.text); m != nil {
		return html.UnescapeString(m[1])
	}
	if m := regexp.MustCompile(`(?s)<select id="f-` + name + `".*?</select>`).FindString(p.text); m != "" {
		if v := regexp.MustCompile(`<option value="([^"]*)" selected>`).FindStringSubmatch(m); v != nil {
			return html.UnescapeString(v[1])
		}
	}
	return ""
}

func (s *server) form(t *testing.T, kind string, fields map[string][]string, more ...string) formPage {
	t.Helper()
	query := url.Values{}
	for name, values := range fields {
		query[name] = values
		if (name == "from" || name == "to") && strings.Contains(values[0], "=") {
			delete(query, name)
			for _, v := range values {
				line, amount, _ := strings.Cut(v, "=")
				query[name+".line"], query[name+".amount"] = append(query[name+".line"], line), append(query[name+".amount"], amount)
			}
		}
	}
	for i := 0; i < len(more); i += 2 {
		query.Set(more[i], more[i+1])
	}
	status, text := fetch(t, "GET", s.site(t)+"/funds/f/post/"+kind+"?"+query.Encode(), "")
	if status != 200 {
		t.Fatalf("%s %v: %d %.2000s", kind, fields, status, text)
	}
	return formPage{text}
}

// TestFormsSendWhatPostSends: whatever somebody fills in of any kind of money, the page would send the same command as the command line, or says in the same words why not.
func TestFormsSendWhatPostSends(t *testing.T) {
	t.Parallel()
	p, s := servingFund(t, deskFund)
	kinds := map[string]bool{}
	for i, c := range deskCases {
		kinds[c.kind] = true
		id := fmt.Sprint("form-", i)
		args := []string{"post", c.kind, "--fund", "f", "--id", id, "--dry-run", "--lang", "en"}
		for name, values := range c.answers {
			for _, v := range values {
				args = append(args, "--"+name, v)
			}
		}
		cli := p.run(t, args...)
		_, sent, _ := strings.Cut(cli.err, "\ncommand: ")
		sent, _, _ = strings.Cut(sent, "\n")
		page := s.form(t, c.kind, c.answers, "preview", "1", "id", id, "lang", "en")
		if got := page.command(); got != sent {
			t.Errorf("%s %v\nthe page sends %s\nthe command line %s\n%s", c.kind, c.answers, got, sent, cli.err)
		}
		message, hint, field := page.refusal()
		switch rs := cli.out; {
		case sent != "" && message != "":
			t.Errorf("%s %v: the page says %s", c.kind, c.answers, message)
		case strings.TrimSpace(rs) != "":
			r := receipts(t, rs)[0]
			if want := page.inItsWords(r.Message, r.Args["field"], field); want != message || (r.Hint == "") != (hint == "") {
				t.Errorf("%s %v: the page says %q %q, the receipt %q %q", c.kind, c.answers, message, hint, r.Message, r.Hint)
			}
			if raw := rawWords.FindString(hint); raw != "" {
				t.Errorf("%s %v: the page says %q, of which %q is none of its words", c.kind, c.answers, hint, raw)
			}
			if message != "" && field == "" {
				t.Errorf("%s %v: %q stands at no field", c.kind, c.answers, message)
			}
		case message == "" || field != "amount": // which was not even tried
			t.Errorf("%s %v: the page says %q at %q, the command line %s", c.kind, c.answers, message, field, cli.err)
		}
		if strings.Contains(page.text, "<script>alert") {
			t.Errorf("%s: what is typed becomes a script", c.kind)
		}
	}
	for _, g := range kindGroups[:3] { // those of money
		for _, name := range g.subjects {
			if !kinds[name] {
				t.Errorf("%s is not tried", name)
			}
		}
	}
	if n := len(p.stored(t)); n != strings.Count(deskFund, "\n") {
		t.Errorf("%d events are stored: looking has stored something", n)
	}
}

// TestRefusalsOnPagesAreInWordsOfThePages: of a form, and of the address of a page.
func TestRefusalsOnPagesAreInWordsOfThePages(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	s := p.serving(t, "--http", ":0")
	p.append(t, deskFund)
	s.read(t, strings.Count(deskFund, "\n"))
	for _, c := range []struct {
		kind, message, hint string
		answers             map[string][]string
	}{
		{"disbursed", "金额：“1,00.0”", "", answersOfCase("year", "2022", "line", "1", "amount", "1,00.0", "channel", "payment", "date", "2022-05-01")},
		{"disbursed", "尚余 830.00", "记账方式选“事后补记”", answersOfCase("year", "2022", "line", "1", "amount", "850.01", "channel", "payment", "date", "2022-05-01")},
		{"disbursed", "没有项目 8", "“增设项目”表单", answersOfCase("year", "2022", "line", "8", "amount", "1", "channel", "payment", "date", "2022-05-01")},
		{"refund", "所指事件：事件 2 是预算安排", "以下种类的事件：支出", answersOfCase("of", "2", "amount", "7", "date", "2022-05-01")},
		{"refund", "所指事件：本资金没有事件 999", "编号或 id", answersOfCase("of", "999", "amount", "7", "year", "2022", "date", "2022-05-01")},
		{"reallocated", "调出 10.00", "调出与调入", answersOfCase("year", "2022", "from", "1=10", "to", "2.1=4.5", "date", "2022-05-01")},
		{"prior-year", "2022 年度尚未结账", "“退款”表单", answersOfCase("of", "5", "year", "2023", "amount", "7", "date", "2023-05-01")},
	} {
		message, hint, _ := s.form(t, c.kind, c.answers, "preview", "1", "lang", "zh").refusal()
		if !strings.Contains(message, c.message) || !strings.Contains(hint, c.hint) || rawWords.MatchString(message+hint) {
			t.Errorf("%s %v: the page says %q %q, want %q %q", c.kind, c.answers, message, hint, c.message, c.hint)
		}
	}
	if text := get(t, s.site(t)+"/funds/f/years/2022/check", "Accept", "text/html", "Accept-Language", "zh").text; !strings.Contains(text, "“报告数”表单") || strings.Contains(text, "fundledger help") {
		t.Error("the page of contradictions does not say how a figure is entered there")
	}
	for path, want := range map[string]string{
		"/funds/f/years/2022?as_of=2022-13-01":              "截至（业务日期）：“2022-13-01”",
		"/funds/f/years/2022?known_at=yesterday":            "所知至（事件号）：“yesterday”",
		"/funds/f/years/2022/progress?threshold=fast":       "落后几个百分点算慢：“fast”",
		"/funds/f/years/2022/reconciliation?month=december": "月份：“december”",
	} {
		got := get(t, s.site(t)+path, "Accept", "text/html", "Accept-Language", "zh")
		if _, said, _ := strings.Cut(got.text, `<section class="problem"`); got.StatusCode != 422 || !strings.Contains(said, want) {
			t.Errorf("%s: %d, the page says %.400s, want %s", path, got.StatusCode, said, want)
		}
	}
}

// TestEverySubjectHasAForm: in both languages, with a place in the list.
func TestEverySubjectHasAForm(t *testing.T) {
	t.Parallel()
	_, s := servingFund(t, deskFund)
	for _, lang := range words.Languages {
		_, list := fetch(t, "GET", s.site(t)+"/funds/f/post?lang="+string(lang), "")
		for _, subject := range desk.Subjects() {
			if subject == (desk.Subject{Kind: events.ClawedBack}) {
				continue
			}
			if !strings.Contains(list, "/funds/f/post/"+subject.Name()+"?") {
				t.Errorf("%s is not in the list", subject.Name())
			}
			page := s.form(t, subject.Name(), nil, "lang", string(lang))
			for _, f := range subject.Flags() {
				name := f.Name
				if name == "unit" {
					name = "value-unit"
				}
				if f.Name != "fund" && f.Name != "id" && !strings.Contains(page.text, `name="`+name+`"`) && !strings.Contains(page.text, `name="`+name+`.line"`) {
					t.Errorf("%s in %s has no field %s", subject.Name(), lang, f.Name)
				}
			}
		}
	}
	for _, kind := range []string{"nothing", "clawed-back", "%3Cscript%3E"} {
		if status, text := fetch(t, "GET", s.site(t)+"/funds/f/post/"+kind, ""); status != 404 || strings.Contains(text, "<script>") {
			t.Errorf("%s: %d", kind, status)
		}
	}
}

// TestFormsOfferWhatIsLeft: of a payment what was paid less what has come back, of the others what is not used; it is filled in where a command is usually about all of it.
func TestFormsOfferWhatIsLeft(t *testing.T) {
	t.Parallel()
	_, s := servingFund(t, deskFund)
	for _, c := range []struct{ kind, of, amount string }{
		{"refund", "5", "70.00"},
		{"offset", "5", "70.00"},
		{"reclassified", "5", "70.00"},
		{"refund", "8", "60.00"},
		{"commitment-released", "6", "80.00"},
		{"allotment-withdrawn", "7", "70.00"},
		{"receipt-confirmed", "8", "60.00"},
		{"refund", "2", ""}, // no payment
		{"refund", "999", ""},
	} {
		page := s.form(t, c.kind, answersOfCase("of", c.of))
		if got := page.value("amount"); got != c.amount {
			t.Errorf("a %s of %s is filled in with %q, want %q", c.kind, c.of, got, c.amount)
		}
		if got := page.value("year"); c.of == "5" && got != "2022" {
			t.Errorf("a %s of %s is of the year %q", c.kind, c.of, got)
		}
	}
	for _, c := range []struct {
		kind    string
		answers map[string][]string
		left    string
	}{
		{"disbursed", answersOfCase("year", "2022", "commitment", "6"), "80.00"},
		{"disbursed", answersOfCase("year", "2023", "lot", "CO-22"), "40.00"},
		{"refund", answersOfCase("year", "2022", "settles", "9"), "5.00"},
	} {
		page := s.form(t, c.kind, c.answers)
		if !strings.Contains(page.text, `data-use="`+c.left+`"`) || page.value("amount") != "" {
			t.Errorf("a %s of %v is not offered %s: %q", c.kind, c.answers, c.left, page.value("amount"))
		}
	}
	choices := s.form(t, "refund", answersOfCase("year", "2022")).text
	for _, want := range []string{"甲公司", "70.00 left"} {
		if !strings.Contains(choices, want) {
			t.Errorf("the payments to choose from do not say %s", want)
		}
	}
}

// TestAppendingAFormTwiceStoresOnce: what the page sends is JSON with the form's id. The same again, and from another site or in another form, stores nothing.
func TestAppendingAFormTwiceStoresOnce(t *testing.T) {
	t.Parallel()
	p, s := servingFund(t, deskFund)
	before := len(p.stored(t))
	page := s.form(t, "refund", answersOfCase("of", "5", "date", "2022-06-01"), "preview", "1")
	body := page.command()
	to := s.site(t) + regexp.MustCompile(`data-append="([^"]*)"`).FindStringSubmatch(page.text)[1]
	for _, c := range []struct {
		headers []string
		status  int
	}{
		{[]string{"Content-Type", "application/json", "Sec-Fetch-Site", "cross-site"}, 403},
		{[]string{"Content-Type", "application/json", "Origin", "http://elsewhere.example"}, 403},
		{[]string{"Content-Type", "application/x-www-form-urlencoded"}, 415},
		{[]string{"Content-Type", "text/plain"}, 415},
		{[]string{"Content-Type", "application/json", "Host", "elsewhere.example"}, 201}, // fetch sends the true one
		{[]string{"Content-Type", "application/json", "Sec-Fetch-Site", "same-origin"}, 200},
		{[]string{"Content-Type", "application/json"}, 200},
	} {
		if status, text := fetch(t, "POST", to, body, c.headers...); status != c.status {
			t.Errorf("%v: %d %s, want %d", c.headers, status, text, c.status)
		}
	}
	if n := len(p.stored(t)); n != before+1 {
		t.Fatalf("%d events are stored, want one more than %d", n, before)
	}
	for _, method := range []string{"POST", "PUT"} {
		if status, _ := fetch(t, method, s.site(t)+"/funds/f/post/refund", "of=5", "Content-Type", "application/x-www-form-urlencoded"); status != 405 {
			t.Errorf("%s to the page itself: %d", method, status)
		}
	}
	// The form that was sent says so when it is looked at again, and its receipt has the number and what to go on with.
	var c struct{ ID string }
	if err := json.Unmarshal([]byte(body), &c); err != nil {
		t.Fatal(err)
	}
	again := s.form(t, "refund", answersOfCase("of", "5", "date", "2022-06-01", "amount", "70.00"), "preview", "1", "id", c.ID)
	if !strings.Contains(again.text, fmt.Sprintf(`/funds/f/events/%d"`, before+1)) || again.command() != "" {
		t.Error("the same form again does not say that it is there")
	}
	_, receipt := fetch(t, "GET", fmt.Sprintf("%s/funds/f/post/refund?appended=%d", s.site(t), before+1), "")
	for _, want := range []string{fmt.Sprintf(`/funds/f/events/%d"`, before+1), `/funds/f/post/refund?year=2022"`, `/funds/f/years/2022/lines/1"`} {
		if !strings.Contains(receipt, want) {
			t.Errorf("the receipt does not have %s", want)
		}
	}
	if status, _ := fetch(t, "GET", s.site(t)+"/funds/f/post/refund?appended=999999", ""); slices.Contains([]int{200, 500}, status) {
		t.Errorf("the receipt of an event that is not there: %d", status)
	}
}

// TestAFundIsOpenedByAForm: where there is no fund yet there is a form for its first event, and what it would do is foreseen.
func TestAFundIsOpenedByAForm(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	s := p.serving(t, "--http", ":0")
	page := s.form(t, "fund-opened", answersOfCase("year", "2026", "name", "资金", "lines", "1=甲\n1.1=乙\n"), "preview", "1")
	for _, want := range []string{`"parent":"1"`, `"code":"1.1"`} {
		if !strings.Contains(page.command(), want) {
			t.Errorf("the command is %s", page.command())
		}
	}
	if message, _, _ := s.form(t, "disbursed", answersOfCase("year", "2026", "line", "1", "amount", "1", "channel", "payment", "date", "2026-01-01"), "preview", "1").refusal(); !strings.Contains(message, "f") {
		t.Errorf("of a fund that is not there it says %q", message)
	}
}

// A looked is what the page of an import gets.
type looked struct {
	Part, Field, Fault, Name string
	Mend                     []byte
	Problem                  *struct{ Message string }
}

func (s *server) upload(t *testing.T, file, data string, options ...string) looked {
	t.Helper()
	query := url.Values{"file": {file}, "lang": {"en"}}
	for i := 0; i < len(options); i += 2 {
		query.Set(options[i], options[i+1])
	}
	status, text := fetch(t, "POST", s.site(t)+"/funds/f/import?"+query.Encode(), data, "Content-Type", "application/octet-stream")
	if status != 200 {
		t.Fatalf("%s %v: %d %s", file, options, status, text)
	}
	var out looked
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &out); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return out
}

const deskRegister = "支付日期,项目,收款人,支付金额（元）,凭证号\n" +
	"2022-05-01,1,甲公司,100.00,1\n" +
	"2022-05-02,2.1,乙公司,99999999.00,2\n" +
	"2022-05-03,9.9,丙公司,5,3\n" +
	"2022-05-03,1,<script>alert(1)</script>,5,4\n" +
	"2022-05-04,1,=cmd|' /C calc'!A0,6,5\n" +
	"2022-05-04,1,甲公司,-6,6\n"

// TestImportOfThePageIsThatOfTheCommandLine: its preview has the rows that --dry-run prints, it stores what import stores under the same ids, and the refused rows go into the same file.
func TestImportOfThePageIsThatOfTheCommandLine(t *testing.T) {
	t.Parallel()
	p, s := servingFund(t, deskFund)
	name := filepath.Join(t.TempDir(), "r.csv")
	if err := os.WriteFile(name, []byte(deskRegister), 0o600); err != nil {
		t.Fatal(err)
	}
	options := []string{"as", "payments", "year", "2022", "channel", "payment", "issuer", "国库", "type", "拨款"}
	args := []string{"import", name, "--fund", "f", "--lang", "en"}
	for i := 0; i < len(options); i += 2 {
		args = append(args, "--"+options[i], options[i+1])
	}
	before := len(p.stored(t))
	dry := p.run(t, append(args, "--dry-run", "--format", "html")...)
	page := s.upload(t, "r.csv", deskRegister, options...)
	got, want := tablesOf(page.Part), tablesOf(dry.out)
	if len(got) == 0 || len(want) == 0 || len(want[0]) < 2 || !slices.EqualFunc(got[0], want[0], slices.Equal) {
		t.Errorf("the preview is\n%q\nthe dry run\n%q%s", got, want, dry.err)
	}
	for line := range strings.Lines(dry.err) {
		if said := html.EscapeString(strings.TrimSpace(strings.TrimPrefix(line, "fundledger: "))); !strings.Contains(page.Part, said) {
			t.Errorf("the preview does not say %s", said)
		}
	}
	if strings.Contains(page.Part, "<script>") {
		t.Error("a payee's name becomes a script")
	}
	if n := len(p.stored(t)); n != before {
		t.Errorf("looking has stored %d events", n-before)
	}
	posted := s.upload(t, "r.csv", deskRegister, append(options, "append", "1")...)
	if n := len(p.stored(t)); n != before+3 {
		t.Fatalf("%d events are stored, want 3 more than %d: %s", n, before, posted.Part)
	}
	posted = s.upload(t, "r.csv", deskRegister, append(options, "append", "1")...)
	folder := t.TempDir()
	again := p.app(&strings.Builder{}, &strings.Builder{}, append(args, "--refused", filepath.Join(folder, "x.csv"))...)
	run(t.Context(), again)
	if n := len(p.stored(t)); n != before+3 {
		t.Errorf("again, on the page and by the command line, %d events are stored, want %d", n, before+3)
	}
	refused, err := os.ReadFile(filepath.Join(folder, "x.csv"))
	if err != nil || string(refused) != string(posted.Mend) || posted.Name != "r.refused.csv" {
		t.Errorf("the refused rows are %s\n%s\nwant %s, %v", posted.Name, posted.Mend, refused, err)
	}
}

// TestImportPageAsks: what has to be said first stands at the option that says it; what cannot be read is said; and nothing comes from another site or in a form.
func TestImportPageAsks(t *testing.T) {
	t.Parallel()
	p, s := servingFund(t, deskFund)
	for _, c := range []struct {
		file, data string
		options    []string
		field      string
	}{
		{"r.csv", deskRegister, nil, "as"},
		{"r.csv", deskRegister, []string{"as", "payments"}, "issuer"},
		{"r.csv", strings.Replace(deskRegister, "（元）", "", 1), []string{"as", "payments", "no-voucher", "true"}, "unit"},
		{"r.csv", deskRegister, []string{"as", "payments", "no-voucher", "true", "year", "20x2"}, "year"},
		{"r.csv", deskRegister, []string{"as", "payments", "no-voucher", "true", "map", "{"}, "map"},
		{"r.csv", "a,b\n1,2\n", []string{"as", "payments"}, "as"},
		{"r.xlsx", "no workbook", []string{"as", "payments"}, "as"},
		{"../../etc/passwd", deskRegister, []string{"as", "payments", "no-voucher", "true"}, ""},
	} {
		got := s.upload(t, c.file, c.data, c.options...)
		if got.Field != c.field {
			t.Errorf("%s %v: it asks for %q: %s", c.file, c.options, got.Field, got.Part)
		}
		if got.Problem != nil || got.Part == "" || strings.Contains(got.Fault, "--") {
			t.Errorf("%s %v: %+v", c.file, c.options, got)
		}
	}
	to := s.site(t) + "/funds/f/import?as=payments&file=r.csv&append=1"
	for _, c := range []struct {
		headers []string
		status  int
	}{
		{[]string{"Content-Type", "application/octet-stream", "Sec-Fetch-Site", "cross-site"}, 403},
		{[]string{"Content-Type", "multipart/form-data; boundary=x"}, 415},
		{[]string{"Content-Type", "text/plain"}, 415},
		{nil, 415},
	} {
		if status, text := fetch(t, "POST", to, deskRegister, c.headers...); status != c.status {
			t.Errorf("%v: %d %s, want %d", c.headers, status, text, c.status)
		}
	}
	for _, lang := range []string{"en", "zh"} {
		if status, text := fetch(t, "GET", s.site(t)+"/funds/f/import?lang="+lang, ""); status != 200 || !strings.Contains(text, "data-import") {
			t.Errorf("the page in %s: %d", lang, status)
		}
	}
	if n := len(p.stored(t)); n != strings.Count(deskFund, "\n") {
		t.Errorf("%d events are stored", n)
	}
}

// TestReconciliationPage: both sides stand there, what is proposed is what reconcile --commands gives, and what can be done about the others is a form that is filled in.
func TestReconciliationPage(t *testing.T) {
	t.Parallel()
	p, s := servingFund(t, deskFund)
	statement := "记账日期,账号,借方金额（元）,贷方金额（元）,对方户名,流水号,余额（元）\n2022-03-02,4301,100.00,,甲公司,R1,900.00\n2022-03-08,4301,,30.00,戊公司,R2,930.00\n2022-03-09,4301,7.00,,<b>己</b>,R3,923.00\n"
	if got := s.upload(t, "bank.csv", statement, "as", "bank", "year", "2022", "append", "1"); got.Problem != nil || got.Fault != "" {
		t.Fatalf("%+v", got)
	}
	address := s.site(t) + "/funds/f/years/2022/reconciliation?lang=en&month=2022-03"
	s.read(t, len(p.stored(t)))
	_, text := fetch(t, "GET", address, "")
	for _, want := range []string{"R1", "R2", "post/unidentified?amount=30.00", "post/disbursed?amount=7.00", "post/bank-matched?bank-line="} {
		if !strings.Contains(html.UnescapeString(text), want) && !strings.Contains(text, strings.Replace(want, "?", "?lang=en&amp;", 1)) {
			t.Errorf("the page does not have %s", want)
		}
	}
	if strings.Contains(text, "<b>己") {
		t.Error("a name becomes markup")
	}
	_, text = fetch(t, "GET", address+"&preview=1", "")
	want := strings.TrimSpace(p.run(t, "reconcile", "--fund", "f", "--month", "2022-03", "--commands").out)
	if got := (formPage{text}).command(); got != want || want == "" {
		t.Fatalf("the page would send %s, reconcile --commands gives %s", got, want)
	}
	for _, status := range []int{201, 200} {
		if got, text := fetch(t, "POST", s.site(t)+"/v1/funds/f/events", want, "Content-Type", "application/json"); got != status {
			t.Errorf("%d %s, want %d", got, text, status)
		}
	}
	s.read(t, len(p.stored(t)))
	if _, text = fetch(t, "GET", address, ""); strings.Contains(text, "data-try") {
		t.Error("what is matched is proposed again")
	}
	if status, _ := fetch(t, "GET", strings.Replace(address, "2022-03", "2021-03", 1), ""); status != 422 {
		t.Errorf("a month of another year: %d", status)
	}
}
