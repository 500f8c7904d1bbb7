package intake_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"testing"

	"fundledger/ledger/intake"

	"github.com/xuri/excelize/v2"
)

// facts are those of a fund with one open year.
func facts() intake.Facts {
	return intake.Facts{Decimals: 2, Name: "资金", Years: []intake.YearFacts{{Year: 2022, Lines: []intake.LineFacts{
		{Code: "1", Parent: "0", Name: "科技创新"},
		{Code: "1.1", Parent: "1", Name: "研发奖补", Leaf: true},
		{Code: "1.2", Parent: "1", Name: "首台（套）奖励", Leaf: true},
		{Code: "2", Parent: "0", Name: "产业发展", Leaf: true},
	}}}}
}

func BenchmarkCSV(b *testing.B) {
	var text bytes.Buffer
	w := csv.NewWriter(&text)
	_ = w.Write([]string{"序号", "支付日期", "项目", "收款人全称", "收款人账号", "支付金额（元）", "支付凭证号", "资金用途", "指标文号"})
	for i := range 10000 {
		_ = w.Write([]string{
			fmt.Sprint(i), fmt.Sprintf("2022-%02d-%02d", 1+i%12, 1+i%28), "研发奖补", fmt.Sprintf("湖南省第%d号科技有限公司", i%500), fmt.Sprintf("4300%015d", i),
			fmt.Sprintf("1,%03d.00", i%1000), fmt.Sprintf("%08d", i), "2022年研发奖补资金", "常财企〔2022〕15号",
		})
	}
	w.Flush()
	benchmark(b, "big.csv", text.Bytes())
}

// benchmark reads a register of 10,000 payments, in bytes of the file a second.
func benchmark(b *testing.B, name string, text []byte) {
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		f, err := intake.Open(name, bytes.NewReader(text), int64(len(text)))
		if err != nil {
			b.Fatal(err)
		}
		p, err := f.Plan(intake.Options{As: intake.Payments, Fund: "f", Fixed: map[intake.Role]string{"voucher.issuer": "430702", "voucher.type": "支付令"}}, facts())
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for item, err := range p.Items(nil) {
			if err != nil || item.Kind != intake.Commands {
				b.Fatal(item, err)
			}
			n++
		}
		if n != 10000 {
			b.Fatalf("%d rows", n)
		}
	}
}

func BenchmarkXLSX(b *testing.B) {
	f := excelize.NewFile()
	w, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		b.Fatal(err)
	}
	_ = w.SetRow("A1", []any{"序号", "支付日期", "项目", "收款人全称", "收款人账号", "支付金额（元）", "支付凭证号", "资金用途", "指标文号"})
	for i := range 10000 {
		_ = w.SetRow(fmt.Sprintf("A%d", i+2), []any{
			i, fmt.Sprintf("2022-%02d-%02d", 1+i%12, 1+i%28), "研发奖补", fmt.Sprintf("湖南省第%d号科技有限公司", i%500), fmt.Sprintf("4300%015d", i),
			float64(i%1000+1) + 0.25, fmt.Sprintf("%08d", i), "2022年研发奖补资金", "常财企〔2022〕15号",
		})
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	text, err := f.WriteToBuffer()
	if err != nil {
		b.Fatal(err)
	}
	benchmark(b, "big.xlsx", text.Bytes())
}
