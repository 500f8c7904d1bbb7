package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

// BenchmarkRegister imports 100,000 payments of a register, from CSV and from a workbook, and appends the same commands, one after the other in each round, since a machine is
// seldom as busy as before. Run it as
//
//	go test ./cmd/fundledger -run '^$' -bench Register -benchtime 3x
//
// It reports rows a second of each, and both imports as a part of append: a third is what they must reach.
func BenchmarkRegister(b *testing.B) {
	const rows = 100_000
	dir := b.TempDir()
	header := []string{"序号", "支付日期", "项目", "收款人全称", "收款人账号", "支付金额（元）", "支付凭证号", "资金用途"}
	text, book := filepath.Join(dir, "register.csv"), filepath.Join(dir, "register.xlsx")
	f, err := os.Create(text)
	if err != nil {
		b.Fatal(err)
	}
	w := csv.NewWriter(f)
	x := excelize.NewFile()
	sheet, err := x.NewStreamWriter("Sheet1")
	if err != nil {
		b.Fatal(err)
	}
	write := func(row int, cells []string) {
		values := make([]any, len(cells))
		for i, c := range cells {
			values[i] = c
		}
		at, _ := excelize.CoordinatesToCellName(1, row)
		if err := w.Write(cells); err != nil {
			b.Fatal(err)
		}
		if err := sheet.SetRow(at, values); err != nil {
			b.Fatal(err)
		}
	}
	write(1, header)
	lines := []string{"研发奖补", "首台（套）奖励", "产业发展"}
	for i := range rows {
		write(i+2, []string{
			fmt.Sprint(i + 1), fmt.Sprintf("2022-%02d-%02d", 1+i%12, 1+i%28), lines[i%3], fmt.Sprintf("湖南第%d科技有限公司", i%3000), fmt.Sprintf("62220%014d", i),
			thousands(inUnit(int64(1+i*7919%2_000_000), 0)), fmt.Sprintf("ZF%08d", i), "奖补资金",
		})
	}
	w.Flush()
	for _, err := range []error{w.Error(), f.Close(), sheet.Flush(), x.SaveAs(book), x.Close()} {
		if err != nil {
			b.Fatal(err)
		}
	}
	desk := func() *program {
		p := &program{folder: filepath.Join(b.TempDir(), "data")}
		p.with(funded()).ok(b, "append")
		return p
	}
	importing := func(file string) []string {
		return []string{"import", file, "--as", "payments", "--issuer", "430700", "--type", "支付令"}
	}
	p := desk()
	p.ok(b, importing(text)...)
	var commands strings.Builder
	for _, e := range parseEvents(b, p.stored(b))[4:] {
		commands.Write(e.Data.Command)
		commands.WriteByte('\n')
	}
	jsonl := filepath.Join(dir, "register.jsonl")
	if err := os.WriteFile(jsonl, []byte(commands.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	names := []string{"append", "csv", "xlsx"}
	var took [3]time.Duration
	b.ResetTimer()
	for b.Loop() {
		for i, args := range [][]string{{"append", jsonl}, importing(text), importing(book)} {
			b.StopTimer()
			p := desk()
			b.StartTimer()
			begun := time.Now()
			if code := run(b.Context(), p.app(io.Discard, io.Discard, args...)); code != exitOK {
				b.Fatalf("%v: exit %d", args, code)
			}
			took[i] += time.Since(begun)
			b.StopTimer()
			if err := os.RemoveAll(p.folder); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
	}
	for i, name := range names {
		b.ReportMetric(float64(rows*b.N)/took[i].Seconds(), name+"-rows/s")
		if i > 0 {
			b.ReportMetric(took[0].Seconds()/took[i].Seconds(), name+"/append")
		}
	}
}
