package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestStatementsThatOverlap: the lines that two statements have in common are taken once, whatever columns each has; what only looks alike is taken.
func TestStatementsThatOverlap(t *testing.T) {
	t.Parallel()
	p := onFolder(t)
	p.stdin = `{"id":"o","kind":"fund-opened","fund":"f","year":2022,"name":"n","lines":[{"code":"1","name":"x"}]}`
	p.ok(t, "append", "-")
	for _, s := range []struct{ file, text, want string }{
		{"january.csv", `账号,43050168
日期,摘要,借方(元),贷方(元),余额(元),对方户名,流水号
2022-01-03,拨入,,1000.00,1000.00,财政局,L001
2022-01-31,货款,200.00,,800.00,乙公司,L002
`, "appended appended"},
		// Other columns in another order. The third row is the second booked again after the second was sent back: the same day, amount and balance.
		{"february.csv", `账号,交易日期,收入金额(元),支出金额(元),账户余额(元),对方名称,交易流水号,用途
43050168,2022-01-31,,200.00,800.00,乙公司,L002,货款
43050168,2022-01-31,200.00,,1000.00,乙公司,L003,退回
43050168,2022-01-31,,200.00,800.00,乙公司,L004,货款
`, "duplicate appended appended"},
		// No numbers: each line there stands for one.
		{"short.csv", `账号,日期,借方(元),贷方(元),余额(元)
43050168,2022-01-31,200.00,,800.00
43050168,2022-01-31,,200.00,1000.00
43050168,2022-01-31,200.00,,800.00
43050168,2022-02-01,200.00,,600.00
43050169,2022-01-31,200.00,,800.00
`, "duplicate duplicate duplicate appended appended"},
	} {
		file := filepath.Join(t.TempDir(), s.file)
		if err := os.WriteFile(file, []byte(s.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := statuses(receipts(t, p.ok(t, "import", file, "--as", "bank", "--fund", "f"))); got != s.want {
			t.Errorf("%s: %s, want %s", s.file, got, s.want)
		}
		if again := statuses(receipts(t, p.ok(t, "import", file, "--as", "bank", "--fund", "f"))); again != strings.ReplaceAll(s.want, "appended", "duplicate") {
			t.Errorf("%s again: %s", s.file, again)
		}
	}
}
