package desk_test

import (
	"slices"
	"strings"
	"testing"

	"fundledger/events"
	"fundledger/ledger/desk"
)

func subject(t *testing.T, name string) desk.Subject {
	t.Helper()
	s, ok := desk.Named(name)
	if !ok {
		t.Fatalf("there is no subject %s", name)
	}
	return s
}

// Every field of every kind and cause has a flag, and none has two of one name.
func TestFlagsAreTheFields(t *testing.T) {
	t.Parallel()
	if n := len(desk.Subjects()); n != len(events.Kinds)+len(events.Causes) {
		t.Fatalf("there are %d subjects", n)
	}
	for _, s := range desk.Subjects() {
		var fields, names []string
		for _, f := range s.Flags() {
			fields, names = append(fields, f.Field), append(names, f.Name)
			if f.Required != (events.Required(s.Kind, s.Cause, f.Field) && (f.Member == "" || f.Member == "document")) {
				t.Errorf("%s: --%s is required: %v", s.Name(), f.Name, f.Required)
			}
			if strings.Trim(f.Name, "abcdefghijklmnopqrstuvwxyz-") != "" {
				t.Errorf("%s has the flag %q", s.Name(), f.Name)
			}
		}
		slices.Sort(fields)
		want := slices.DeleteFunc(events.Fields(s.Kind, s.Cause), func(f string) bool { return f == "kind" || f == "cause" && s.Cause != "" })
		if got := slices.Compact(fields); !slices.Equal(got, want) {
			t.Errorf("%s has flags for %v, want %v", s.Name(), got, want)
		}
		slices.Sort(names)
		if n := len(names); len(slices.Compact(names)) != n {
			t.Errorf("%s has two flags of one name: %v", s.Name(), names)
		}
	}
}

// What nobody has answered yet is no fault, of any kind: so each answer can be read when it is given.
func TestNothingAnsweredIsNoFault(t *testing.T) {
	t.Parallel()
	for _, s := range desk.Subjects() {
		if err := s.Check(desk.Answers{}); err != nil {
			t.Errorf("%s: %v; the vocabulary has a required field without a stand-in", s.Name(), err)
		}
		if got, err := s.Command(desk.Answers{}); err != nil || !strings.Contains(string(got), string(s.Kind)) {
			t.Errorf("%s is %s, %v", s.Name(), got, err)
		}
	}
}

func TestAnswersMakeACommand(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		subject string
		answers desk.Answers
		want    string
	}{
		{"disbursed", desk.Answers{
			"fund": {"f"}, "year": {"2022年"}, "date": {"2022年4月18日"}, "line": {"1.4"}, "amount": {"100万"}, "payee": {"湖南武陵酒有限公司"}, "payee-class": {"enterprise"},
			"payee-count": {"3"}, "voucher": {"国库/2022/拨款凭证/17/2"}, "channel": {"payment"}, "dim": {"district=430702", "function=2150805"}, "document": {"常财〔2022〕1号"},
			"commitment": {"7"},
		}, `{"kind":"disbursed","fund":"f","year":2022,"line":"1.4","amount":"1000000","as_printed":"100万","channel":"payment","payee":{"name":"湖南武陵酒有限公司","class":"enterprise","count":3},` +
			`"voucher":{"issuer":"国库","year":2022,"type":"拨款凭证","number":"17","line":"2"},"commitment":7,"date":"2022-04-18","dims":{"district":"430702","function":"2150805"},"documents":["常财〔2022〕1号"]}`},
		{
			"disbursed",
			desk.Answers{"fund": {"f"}, "year": {"2022"}, "date": {"2022-04"}, "line": {"1"}, "amount": {"壹佰元整"}, "channel": {"payment"}},
			`{"kind":"disbursed","fund":"f","year":2022,"line":"1","amount":"100","amount_text":"壹佰元整","channel":"payment","date":"2022-04"}`,
		},
		{
			"refund",
			desk.Answers{"fund": {"f"}, "year": {"2022"}, "date": {"2022-05-01"}, "of": {"pay-17"}, "amount": {"5"}},
			`{"kind":"clawed-back","cause":"refund","fund":"f","of":"pay-17","year":2022,"amount":"5","date":"2022-05-01"}`,
		},
		{
			"clawed-back",
			desk.Answers{"fund": {"f"}, "year": {"2022"}, "cause": {"lapse"}, "date": {"2022"}, "line": {"0"}, "amount": {"5"}},
			`{"kind":"clawed-back","cause":"lapse","fund":"f","year":2022,"line":"0","amount":"5","date":"2022"}`,
		},
		{
			"reallocated",
			desk.Answers{"fund": {"f"}, "year": {"2022"}, "date": {"2022"}, "from": {"2.5=107万"}, "to": {"2.1.4=89万", "2.1.1=180,000"}, "covers": {"7", "a-1"}},
			`{"kind":"reallocated","fund":"f","year":2022,"from":[{"line":"2.5","amount":"1070000"}],"to":[{"line":"2.1.4","amount":"890000"},{"line":"2.1.1","amount":"180000"}],"date":"2022","covers":[7,"a-1"]}`,
		},
		{
			"allotted",
			desk.Answers{"fund": {"f"}, "year": {"2022"}, "date": {"2022"}, "line": {"1"}, "amount": {"1"}, "to": {"武陵区"}},
			`{"kind":"allotted","fund":"f","year":2022,"line":"1","amount":"1","to":"武陵区","date":"2022"}`,
		},
		{
			"fund-opened",
			desk.Answers{"fund": {"f"}, "year": {"2022"}, "name": {"资金"}, "lines": {"1=a", "1.4=b=c", "2-1=d"}, "from": {"2022/4/1"}, "budgeted": {"false"}},
			`{"kind":"fund-opened","fund":"f","year":2022,"from":"2022-04-01","name":"资金","budgeted":false,"lines":[{"code":"1","name":"a"},{"code":"1.4","name":"b=c","parent":"1"},{"code":"2-1","name":"d"}]}`,
		},
		{
			"amended",
			desk.Answers{"fund": {"f"}, "year": {"2022"}, "of": {"3"}, "set": {"purpose=a=b", "payee.name=湖南", "document=x", "document=y"}, "reason": {"r"}},
			`{"kind":"amended","fund":"f","of":3,"year":2022,"set":{"purpose":"a=b","documents":["x","y"],"payee":{"name":"湖南"}},"reason":"r"}`,
		},
		{"figure-stated", desk.Answers{
			"fund": {"f"}, "year": {"2022"}, "date": {"2022"}, "name": {"x"}, "value": {"1,738.70万元"}, "source": {"d"}, "source-cell": {"B2"}, "sum-of": {"3", "-4", "-a"},
		}, `{"kind":"figure-stated","fund":"f","year":2022,"value":"1738.70","unit":"wan","name":"x","date":"2022","source":{"document":"d","cell":"B2"},"sum_of":[3,-4,"-a"]}`},
		{
			"year-reopened",
			desk.Answers{"fund": {"f"}, "year": {"2022"}, "date": {"2023-01-05"}, "reason": {"r"}, "approver": {"a", "b"}},
			`{"kind":"year-reopened","fund":"f","year":2022,"date":"2023-01-05","approvers":["a","b"],"reason":"r"}`,
		},
	} {
		raw, c, err := subject(t, test.subject).Parse(test.answers)
		if err != nil || string(raw) != test.want {
			t.Errorf("%v is\n%s, want\n%s (%v)", test.answers, raw, test.want, err)
		} else if string(c.Raw) != test.want {
			t.Errorf("the codec has read %s", c.Raw)
		}
		if missing := subject(t, test.subject).Missing(test.answers); len(missing) > 0 {
			t.Errorf("%s lacks %v", test.want, missing)
		}
	}
}

// A fault names the flag, so that it can be given again.
func TestFaultsNameTheFlag(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		subject, flag, value, why string
	}{
		{"disbursed", "amount", "1,23", "amount-groups"},
		{"disbursed", "date", "4月18日", "date-year"},
		{"disbursed", "line", "1..4", "line-form"},
		{"disbursed", "channel", "cash", "choice"},
		{"disbursed", "payee-class", "friend", "choice"},
		{"disbursed", "payee-count", "many", "whole-hand"},
		{"disbursed", "voucher", "17", "voucher-hand"},
		{"disbursed", "voucher", "国库/今年/拨款凭证/17", "voucher-hand"},
		{"disbursed", "dim", "district", "pair-hand"},
		{"disbursed", "payee", "a\xff", "encoding"},
		{"disbursed", "year", "this", "whole-hand"},
		{"disbursed", "id", "a b", "id-form"},
		{"reallocated", "from", "2.5", "leg-hand"},
		{"reallocated", "to", "2.5=x", "amount-hand"},
		{"reallocated", "to", "2..5=1", "line-form"},
		{"fund-opened", "lines", "1", "spec-hand"},
		{"fund-opened", "budgeted", "maybe", "truth-hand"},
		{"fund-opened", "from", "2022-04", "day-form"},
		{"amended", "set", "amount=5", ""},
		{"amended", "set", "=5", "pair-hand"},
		{"figure-stated", "value", "ninety", ""},
	} {
		err := subject(t, test.subject).Check(desk.Answers{test.flag: {test.value}})
		e, ok := err.(*events.Error)
		if !ok || e.Args["field"] != "--"+test.flag || test.why != "" && e.Why != test.why {
			t.Errorf("%s --%s %q: %#v, want the fault %s", test.subject, test.flag, test.value, err, test.why)
		}
	}
	// A field of another cause is refused, though the kind as a whole has it.
	if _, _, err := subject(t, "clawed-back").Parse(desk.Answers{
		"cause": {"lapse"}, "of": {"3"}, "fund": {"f"}, "year": {"2022"}, "date": {"2022"}, "line": {"1"}, "amount": {"1"},
	}); events.CodeOf(err) != events.UnknownField {
		t.Errorf("a lapse of a payment: %v", err)
	}
}

func TestMissingInTheOrderOfAsking(t *testing.T) {
	t.Parallel()
	var got []string
	for _, f := range subject(t, "disbursed").Missing(desk.Answers{"amount": {"1"}}) {
		got = append(got, f.Name)
	}
	if want := "fund year line channel date"; strings.Join(got, " ") != want {
		t.Errorf("missing is %v, want %s", got, want)
	}
	// What one of two must be given is asked for too, and no more once the other is there.
	for _, test := range []struct {
		subject string
		answers desk.Answers
		want    string
	}{
		{"prior-year", desk.Answers{}, "fund year amount from-year date"},
		{"prior-year", desk.Answers{"of": {"7"}}, "fund year amount date"},
		{"reclassified", desk.Answers{"of": {"7"}}, "fund year amount to-line reason"},
		{"reclassified", desk.Answers{"of": {"7"}, "to-dim": {"district=1"}}, "fund year amount reason"},
		{"figure-stated", desk.Answers{"value": {"98%"}}, "fund year measure date source"},
		{"explained", desk.Answers{"line": {"1"}}, "fund year text measure"},
		{"clawed-back", desk.Answers{}, "fund cause year amount date"},
		{"clawed-back", desk.Answers{"cause": {"returned"}}, "fund of year date"},
	} {
		got = nil
		for _, f := range subject(t, test.subject).Missing(test.answers) {
			got = append(got, f.Name)
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s with %v lacks %v, want %s", test.subject, test.answers, got, test.want)
		}
	}
	got = nil
	for _, s := range desk.Having("channel") {
		got = append(got, s.Name())
	}
	if strings.Join(got, " ") != "disbursed" {
		t.Errorf("--channel is one of %v", got)
	}
}
