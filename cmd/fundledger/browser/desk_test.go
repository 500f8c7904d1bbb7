package browser

import (
	"fmt"
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
	s := serving(t)
	appended(t, s.folder, small)
	for i, lang := range languages {
		other := open(t, s, wide)
		other.visit(inLanguage(s, smallYear, lang))
		other.await("it is live", `() => document.querySelector("[data-status]").dataset.state == "live"`)
		p := open(t, s, wide)
		p.visit(inLanguage(s, "/funds/f/post/disbursed", lang, "year", "2022"))
		p.fill("year", "2022", "line", "1", "amount", "5000", "date", "2022-05-01", "channel", "payment", "payee", "德山酒业", "voucher", fmt.Sprint("i/2022/pay/", i))
		want := appended(t, s.folder, strings.Replace(pay("probe", "5000.00"), "\n", "", 1), "--dry-run", "--lang", lang)
		if want.Status != "refused" || want.Message == "" {
			t.Fatalf("the ledger says %+v", want)
		}
		p.await("it is refused", `(words) => document.querySelector("[data-tried] .refused")?.textContent.includes(words)`, want.Message)
		p.await("it says what helps", `(words) => document.querySelector("[data-tried]").textContent.includes(words)`, want.Hint)
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
		other.shows("what was posted by the form", table(t, s.folder, lang, "table", "execution", "--fund", "f", "--year", "2022"))
	}
}

// TestRefundOffersWhatIsLeft: a refund is filled in with what was paid less what has come back.
func TestRefundOffersWhatIsLeft(t *testing.T) {
	t.Parallel()
	s := serving(t)
	appended(t, s.folder, small)
	paid := appended(t, s.folder, pay("paid", "500.00")).Seq
	appended(t, s.folder, fmt.Sprintf(`{"kind":"clawed-back","cause":"refund","fund":"f","year":2022,"date":"2022-06-01","of":%d,"amount":"120.30"}`+"\n", paid))
	p := open(t, s, wide)
	p.visit(inLanguage(s, "/funds/f/post/refund", "zh", "of", fmt.Sprint(paid)))
	if amount := js[string](p, `() => document.getElementById("f-amount").value.replaceAll(",", "")`); amount != "379.70" {
		t.Errorf("500.00 was paid and 120.30 came back: the form has %q", amount)
	}
}
