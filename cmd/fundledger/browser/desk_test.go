package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// fill types into the fields of a form: names and values in turn. What is chosen from a list is chosen there.
func (p *tab) fill(fields ...string) {
	p.t.Helper()
	for i := 0; i+1 < len(fields); i += 2 {
		name, value := "f-"+fields[i], fields[i+1]
		js[bool](p, `(id) => {
			const field = document.getElementById(id);
			field.closest("details")?.setAttribute("open", "");
			field.focus();
			if (field.tagName != "SELECT") field.value = "";
			return true;
		}`, name)
		if js[string](p, `(id) => document.getElementById(id).tagName`, name) == "SELECT" {
			js[bool](p, `(id, value) => {
				const field = document.getElementById(id);
				field.value = value;
				if (field.value != value) throw new Error(id + " cannot be " + value);
				field.dispatchEvent(new Event("input", {bubbles: true}));
				return field.dispatchEvent(new Event("change", {bubbles: true}));
			}`, name, value)
			continue
		}
		p.do(chromedp.SendKeys(chromedp.ID(name), value))
	}
}

// TestFormRefusesInTheWordsOfTheLedger overspends by the form, then pays what there is; another window shows what came of it.
func TestFormRefusesInTheWordsOfTheLedger(t *testing.T) {
	t.Parallel()
	s := servingSmall(t)
	for i, lang := range languages {
		other := open(t, s, wide)
		other.visit(inLanguage(s, smallYear, lang))
		other.awaitLive()
		p := open(t, s, wide)
		p.visit(inLanguage(s, "/funds/f/post/disbursed", lang, "year", "2022"))
		p.fill("year", "2022", "line", "1", "amount", "5000", "date", "2022-05-01", "channel", "payment", "payee", "德山酒业", "voucher", fmt.Sprint("i/2022/pay/", i))
		want := appended(t, s.folder, strings.Replace(pay("probe", "5000.00"), "\n", "", 1), "--dry-run", "--lang", lang)
		if want.Status != "refused" || want.Message == "" {
			t.Fatalf("the ledger says %+v", want)
		}
		p.await("it is refused", `(words) => document.querySelector("[data-tried] .refused")?.textContent.includes(words) === true`, want.Message)
		p.await("it says what helps, in words of the form", `() => {
			const record = document.querySelector("#f-mode option[value=record]").textContent.split(/[:：]/)[0].trim();
			return record != "" && document.querySelector("[data-tried]").textContent.includes(record);
		}`)
		if js[bool](p, `() => document.querySelector("[data-append]") != null`) {
			t.Errorf("in %s what is refused can be appended", lang)
		}
		p.fill("amount", "100.25")
		p.await("it would be appended", `() => { const b = document.querySelector("[data-append]"); return b != null && b.checkVisibility() && !b.disabled; }`)
		if text := js[string](p, `() => document.querySelector("[data-tried] .effect").textContent`); !strings.Contains(text, "100.25") {
			t.Errorf("in %s the preview does not say what it would change: %s", lang, text)
		}
		p.do(chromedp.Click(chromedp.CSS("[data-append]")))
		p.await("there is a receipt", `() => document.querySelector(".receipt") != null`)
		other.shows("what was posted by the form", execution(t, s, lang, "f"))
	}
}

// TestRefundOffersWhatIsLeft: a refund is filled in with what was paid less what has come back.
func TestRefundOffersWhatIsLeft(t *testing.T) {
	t.Parallel()
	s := servingSmall(t)
	paid := appended(t, s.folder, pay("paid", "500.00")).Seq
	appended(t, s.folder, fmt.Sprintf(`{"kind":"clawed-back","cause":"refund","fund":"f","year":2022,"date":"2022-06-01","of":%d,"amount":"120.30"}`+"\n", paid))
	p := open(t, s, wide)
	p.visit(inLanguage(s, "/funds/f/post/refund", "zh", "of", fmt.Sprint(paid)))
	if amount := js[string](p, `() => document.getElementById("f-amount").value.replaceAll(",", "")`); amount != "379.70" {
		t.Errorf("500.00 was paid and 120.30 came back: the form has %q", amount)
	}
}

// TestImportPreview looks at a register row by row as the program's dry run has it, appends the rows, and finds them in another window.
func TestImportPreview(t *testing.T) {
	t.Parallel()
	s := servingSmall(t)
	register := filepath.Join(t.TempDir(), "付款.csv")
	if err := os.WriteFile(register, []byte("支付日期,项目,收款人,支付金额（元）\n2022-04-01,1,德山酒业,100.00\n2022-04-02,1,<b>武陵酒业</b>,9000.00\n2022-04-03,1,甲,50.50\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, lang := range languages {
		other := open(t, s, wide)
		other.visit(inLanguage(s, smallYear, lang))
		other.awaitLive()
		p := open(t, s, wide)
		p.visit(inLanguage(s, "/funds/f/import", lang))
		p.do(chromedp.SetUploadFiles(chromedp.ID("file"), []string{register}))
		p.fill("as", "payments")
		js[bool](p, `() => {
			const box = document.querySelector("[name='no-voucher']");
			box.checked = true;
			return box.dispatchEvent(new Event("change", {bubbles: true}));
		}`)
		p.do(chromedp.Click(chromedp.CSS("[data-look]")))
		p.await("there is a preview", `() => document.querySelector("[data-imported] table") != null`)
		_, want := marked(program(t, s.folder, "", "import", register, "--as", "payments", "--no-voucher", "--fund", "f", "--dry-run", "--lang", lang, "--format", "md"))
		if len(want) == 0 || len(want[0]) != 4 {
			t.Fatalf("the dry run has %q", want)
		}
		if diff := holds(p.rows("[data-imported] table"), want[0][1:]); diff != "" {
			t.Errorf("in %s the preview is not that of the dry run: %s", lang, diff)
		}
		if lang == "zh" {
			continue
		}
		p.do(chromedp.Click(chromedp.CSS("[data-post]")))
		other.await("the rows that can be are appended", `() => [...document.querySelectorAll("main td")].some(cell => cell.textContent == "150.50")`)
		other.shows("what was imported", execution(t, s, lang, "f"))
	}
}

// TestImportAppendsWhatWasLookedAt: who chooses another unit, or another file, after the preview has to look again before anything is appended.
func TestImportAppendsWhatWasLookedAt(t *testing.T) {
	t.Parallel()
	s := servingSmall(t)
	p := open(t, s, wide)
	p.visit(inLanguage(s, "/funds/f/import", "zh"))
	choose := func(amount string) {
		js[bool](p, `(text) => {
			const file = new DataTransfer(), input = document.getElementById("file");
			file.items.add(new File([text], "r.csv"));
			input.files = file.files;
			return input.dispatchEvent(new Event("change", {bubbles: true}));
		}`, "支付日期,项目,收款人,支付金额,凭证号\n2022-05-01,1,甲公司,"+amount+",1\n")
	}
	post := `() => document.querySelector("[data-post]:not([disabled])") != null`
	look := func() {
		p.do(chromedp.Click(chromedp.CSS("[data-look]")))
		p.await("it can be appended", post)
	}
	choose("0.01")
	p.fill("as", "payments", "year", "2022", "unit", "yuan", "channel", "payment", "issuer", "国库", "type", "拨款")
	look()
	p.fill("unit", "wan")
	if js[bool](p, post) {
		t.Error("what was looked at in yuan can be appended in ten thousands of them")
	}
	look()
	choose("0.02")
	if js[bool](p, post) {
		t.Error("what was looked at can be appended from another file")
	}
	look()
	p.do(chromedp.Click(chromedp.CSS("[data-post]")))
	p.await("it is appended", `() => document.querySelector("[data-imported]").textContent.includes("已") && !document.querySelector("[data-post]")`)
	p.visit(inLanguage(s, smallYear, "zh"))
	p.await("it was paid", `() => document.querySelector("main").textContent.includes("200.00")`)
}

// TestProposedMatchingsFollow: of two matchings that are proposed another clerk appends one; the page then proposes the other alone, and appends that.
func TestProposedMatchingsFollow(t *testing.T) {
	t.Parallel()
	s := serving(t)
	appended(t, s.folder, small+pay("a", "100.25")+pay("b", "200.50"))
	statement := filepath.Join(t.TempDir(), "bank.csv")
	if err := os.WriteFile(statement, []byte("记账日期,账号,借方金额（元）,贷方金额（元）,对方户名,流水号,余额（元）\n2022-05-01,4301,100.25,,德山酒业,R1,900.00\n2022-05-02,4301,200.50,,德山酒业,R2,699.50\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	program(t, s.folder, "", "import", statement, "--as", "bank", "--fund", "f", "--year", "2022")
	matchings := slices.Collect(strings.Lines(program(t, s.folder, "", "reconcile", "--fund", "f", "--month", "2022-05", "--commands")))
	if len(matchings) != 2 {
		t.Fatalf("proposed are %q", matchings)
	}
	p := open(t, s, wide)
	p.visit(inLanguage(s, smallYear+"/reconciliation", "en"))
	p.awaitLive()
	p.await("two are proposed", `() => document.querySelector("[data-part=proposed]").textContent.trim().startsWith("2 ")`)
	p.do(chromedp.Click(chromedp.CSS("[data-try]")))
	p.await("both would be appended", `() => document.querySelector("[data-append]:not([disabled])")?.checkVisibility() === true && JSON.parse(document.querySelector("[data-command]").textContent).length == 2`)
	appended(t, s.folder, matchings[0])
	p.await("one is proposed", `() => document.querySelector("[data-part=proposed]").textContent.trim().startsWith("1 ")`)
	p.await("the other would be appended", `(command) => document.querySelector("[data-append]:not([disabled])") != null && document.querySelector("[data-command]").textContent == command`, strings.TrimSpace(matchings[1]))
	other := open(t, s, wide)
	other.visit(inLanguage(s, smallYear+"/reconciliation", "en"))
	other.awaitLive()
	other.do(chromedp.Click(chromedp.CSS("[data-try]")))
	other.await("the other would be appended", `() => document.querySelector("[data-append]:not([disabled])") != null`)
	p.do(chromedp.Click(chromedp.CSS("[data-append]")))
	for who, tab := range map[string]*tab{"who appended": p, "who looked": other} {
		tab.await(who+" sees that none is proposed", `() => document.querySelector("[data-part=proposed]")?.textContent == ""`)
	}
	other.await("there is nothing to append", `() => document.querySelector("[data-append]") == null`)
}
