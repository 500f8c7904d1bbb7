package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// The registers that the tests import are made here. Each begins with what is true, amounts in fen, and is then written down as offices and banks do. Nothing here
// asks the program how a register is read.

// A truth is what a row of a register says, as the command that it must become has it. What a layout does not have is left empty.
type truth struct {
	kind, date, line, stage, direction      string
	fen, balance                            int64
	payee, uscc, account, bank, contract    string
	voucher, district, unit, purpose, words string
	reference, method, channel              string
	of                                      int64
}

// An ink is a cell as a hand filled it.
type ink struct {
	shown  string // what people see, and all that CSV has
	number string // what a workbook holds where that is a number
	format string // of the number
	how    string // a formula of which the number is the cached value
	red    bool
	under  bool // a merge covers it
}

// A spot is a cell of money.
type spot struct {
	row, column int
	fen         int64
	power       int // of its unit: 0 for 元, 4 for 万元
}

// A paper is a register as it lies on a desk.
type paper struct {
	name, as string
	seed     uint64
	flags    []string // what the clerk knows beside it
	setup    string   // the commands that the ledger has before
	rows     [][]ink
	merges   [][4]int // row, column, row, column, from 0
	hidden   []int
	from04   bool // its workbook counts days from 1904
	bom      bool
	comma    rune
	want     []truth
	opens    []string          // the lines "code name" of a year that it opens
	units    map[[2]int]string // the cells that name the unit, and what they say without it
	unit     string            // which it is, as --unit has it
	totals   []spot            // that are printed
	amounts  []spot            // of rows
}

func (p *paper) fault(format string, args ...any) string {
	return fmt.Sprintf("%s, seed %d: %s", p.name, p.seed, fmt.Sprintf(format, args...))
}

// A hand writes papers.
type hand struct {
	*rand.Rand
	p *paper
}

func (h *hand) pick(of ...string) string { return of[h.IntN(len(of))] }

func say(s string) ink { return ink{shown: s} }

// inUnit is an amount as exact decimals of a unit, with two digits after the point or as many as it needs.
func inUnit(fen int64, power int) string {
	sign := ""
	if fen < 0 {
		sign, fen = "-", -fen
	}
	digits := fmt.Sprintf("%0*d", power+3, fen)
	point := len(digits) - power - 2
	frac := digits[point:]
	for len(frac) > 2 && frac[len(frac)-1] == '0' {
		frac = frac[:len(frac)-1]
	}
	return sign + digits[:point] + "." + frac
}

func thousands(s string) string {
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	whole, frac, _ := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return sign + whole + "." + frac
}

// wide writes digits as wide as characters.
func wide(s string) string {
	return strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f {
			return r + 0xfee0
		}
		return r
	}, s)
}

// money writes an amount in one of the ways of people.
func (h *hand) money(fen int64, power int) ink {
	exact := inUnit(fen, power)
	number := ink{shown: exact, number: exact, format: "#,##0.00####"}
	switch h.IntN(9) {
	case 0:
		return say(exact)
	case 1:
		return say(thousands(exact))
	case 2:
		return say(wide(exact))
	case 3:
		return say("\u00a0" + thousands(exact) + " ")
	case 4:
		if power == 0 {
			return say(h.pick("¥", "￥") + thousands(exact))
		}
	case 5:
		number.shown = thousands(exact)
	}
	return number
}

// serial is a day as workbooks count it.
func (h *hand) serial(d time.Time) string {
	from := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	if h.p.from04 {
		from = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return strconv.Itoa(int(d.Sub(from).Hours() / 24))
}

// day writes a date in one of the ways of people.
func (h *hand) day(d time.Time) ink {
	switch layout := h.pick("2006-01-02", "2006/1/2", "2006.1.2", "20060102", "2006年1月2日", "2006-01-02 15:04:05", "wide", "", "", "", ""); layout {
	case "":
		form := [][2]string{{"2006-01-02", "yyyy-mm-dd"}, {"2006/1/2", "yyyy/m/d"}, {"2006年1月2日", `yyyy"年"m"月"d"日"`}}[h.IntN(3)]
		return ink{shown: d.Format(form[0]), number: h.serial(d), format: form[1]}
	case "wide":
		return say(wide(d.Format("2006-01-02")))
	default:
		return say(d.Format(layout))
	}
}

// month writes a month, of which no day is known.
func (h *hand) month(d time.Time) ink {
	switch h.IntN(4) {
	case 0:
		return say(d.Format("2006年1月"))
	case 1:
		return say(d.Format("2006-01"))
	case 2:
		return say(d.Format("2006年01月"))
	}
	return ink{shown: d.Format("2006年1月"), number: h.serial(time.Date(d.Year(), d.Month(), 1, 0, 0, 0, 0, time.UTC)), format: `yyyy"年"m"月"`}
}

// date is some day of the year.
func (h *hand) date() time.Time { return time.Date(2022, 1, 1+h.IntN(360), 0, 0, 0, 0, time.UTC) }

// fen is some amount of 万元 to the fen, often a round one.
func (h *hand) fen() int64 {
	switch h.IntN(4) {
	case 0:
		return (1 + h.Int64N(900)) * 1_000_000
	case 1:
		return (1 + h.Int64N(90000)) * 10_000
	}
	return 1 + h.Int64N(900_000_000)
}

func (h *hand) digits(n int) string {
	b := []byte{byte('1' + h.IntN(9))}
	for len(b) < n {
		b = append(b, byte('0'+h.IntN(10)))
	}
	return string(b)
}

// uscc is a unified social credit code with its check character (GB 32100-2015).
func (h *hand) uscc() string {
	const letters = "0123456789ABCDEFGHJKLMNPQRTUWXY"
	code := "91430700"
	for len(code) < 17 {
		code += string(letters[h.IntN(len(letters))])
	}
	sum, weight := 0, 1
	for _, c := range code {
		sum += strings.IndexRune(letters, c) * weight
		weight = weight * 3 % 31
	}
	return code + string(letters[(31-sum%31)%31])
}

// inWords is an amount in Chinese capitals, each digit of a group of four with its place and one 零 for each gap.
func inWords(fen int64) string {
	const digits = "零壹贰叁肆伍陆柒捌玖"
	digit := func(n int64) string { return string([]rune(digits)[n]) }
	yuan, out := fen/100, ""
	gap := false
	for _, group := range []struct {
		of   int64
		word string
	}{{100_000_000, "亿"}, {10_000, "万"}, {1, ""}} {
		part := yuan / group.of % 10_000
		if part == 0 {
			gap = gap || out != ""
			continue
		}
		for _, place := range []struct {
			of   int64
			word string
		}{{1000, "仟"}, {100, "佰"}, {10, "拾"}, {1, ""}} {
			n := part / place.of % 10
			if n == 0 {
				gap = gap || out != ""
				continue
			}
			if gap {
				out += "零"
			}
			out += digit(n) + place.word
			gap = false
		}
		out += group.word
	}
	if out != "" {
		out += "元"
	}
	jiao, cent := fen/10%10, fen%10
	switch {
	case jiao == 0 && cent == 0:
		return out + "整"
	case jiao == 0:
		if out != "" {
			out += "零"
		}
		return out + digit(cent) + "分"
	case cent == 0:
		return out + digit(jiao) + "角整"
	}
	return out + digit(jiao) + "角" + digit(cent) + "分"
}

var payeeNames = []string{
	"湖南武陵酒有限公司", "常德市𠮷祥㐂庆科技有限公司", "常德烟草机械有限责任公司", "湖南中车商用车动力科技有限公司（常德）", "阿不都·热合曼农机合作社", "津市市喆䶮新材料有限公司",
	"桃源县镕堃茶业有限公司", "Hunan Deshan Biotech Co., Ltd.", "石门县“壶瓶山”茶叶专业合作社", "汉寿县龙阳街道办事处",
}

// payee is a name, which now and then stands with blanks about it.
func (h *hand) payee() (name string, written ink) {
	name = payeeNames[h.IntN(len(payeeNames))]
	return name, say(h.pick("", "", "", " ") + name + h.pick("", "", " ", "\u3000"))
}

// leaf is a line of the fund, and how a register calls it.
func (h *hand) leaf() (code, written string) {
	switch h.IntN(3) {
	case 0:
		return "1.1", h.pick("研发奖补", "（一）研发奖补", " 研发奖补", "1.研发奖补")
	case 1:
		return "1.2", h.pick("首台（套）奖励", "首台 (套) 奖励", "首台(套)奖励", "（二）首台（套）奖励")
	}
	return "2", h.pick("产业发展", "二、产业发展", "2 产业发展", "产 业 发 展")
}

const fundLines = `{"kind":"fund-opened","fund":"f","year":2022,"name":"高质量发展专项资金","lines":[{"code":"1","name":"科技创新","name_en":"Innovation"},{"code":"1.1","name":"研发奖补","parent":"1"},{"code":"1.2","name":"首台（套）奖励","parent":"1"},{"code":"2","name":"产业发展"}]}
`

// funded is the fund with 9亿 on each line: four events.
func funded() string {
	s := fundLines
	for _, line := range []string{"1.1", "1.2", "2"} {
		s += `{"kind":"appropriated","fund":"f","year":2022,"date":"2022-01-01","line":"` + line + `","amount":"900000000.00","stage":"original"}` + "\n"
	}
	return s
}

func (p *paper) row(cells ...ink) int {
	p.rows = append(p.rows, cells)
	return len(p.rows) - 1
}

func (p *paper) texts(cells ...string) int {
	var row []ink
	for _, c := range cells {
		row = append(row, say(c))
	}
	return p.row(row...)
}

func (p *paper) merge(top, left, bottom, right int) {
	p.merges = append(p.merges, [4]int{top, left, bottom, right})
	for r := top; r <= bottom; r++ {
		for c := left; c <= right; c++ {
			for c >= len(p.rows[r]) {
				p.rows[r] = append(p.rows[r], ink{})
			}
			if r != top || c != left {
				p.rows[r][c].under = true
			}
		}
	}
}

// total writes a sum in a column of the last row; from and to are the rows that a workbook adds, where it says so by a formula.
func (h *hand) total(column int, fen int64, power int, from, to int) {
	row := len(h.p.rows) - 1
	c := ink{shown: thousands(inUnit(fen, power)), number: inUnit(fen, power), format: "#,##0.00####"}
	numbers := to > from // a workbook adds no texts
	for r := from; numbers && r <= to; r++ {
		numbers = h.p.rows[r][column].number != ""
	}
	if numbers {
		letter, _ := excelize.ColumnNumberToName(column + 1)
		c.how = fmt.Sprintf("SUM(%s%d:%s%d)", letter, from+1, letter, to+1)
	}
	h.p.rows[row][column] = c
	h.p.totals = append(h.p.totals, spot{row, column, fen, power})
}

// amount writes the amount of a row.
func (h *hand) amount(row, column int, fen int64, power int) {
	h.p.rows[row][column] = h.money(fen, power)
	h.p.amounts = append(h.p.amounts, spot{row, column, fen, power})
}

// hands are the ten layouts, each of which a kind of office keeps.
var hands = []struct {
	name  string
	write func(*hand)
}{
	{"国库集中支付导出", (*hand).treasury},
	{"区县拨付明细表", (*hand).districts},
	{"预算指标台账", (*hand).quotas},
	{"年初预算表", (*hand).yearBudget},
	{"奖补名单", (*hand).awards},
	{"到账回单清单", (*hand).receipts},
	{"银行对账单", (*hand).statement},
	{"english-register", (*hand).english},
	{"双行表头支付表", (*hand).twoRows},
	{"分页支付台账", (*hand).pages},
}

func writePaper(at int, seed uint64) *paper {
	p := &paper{name: hands[at].name, seed: seed, comma: ',', units: map[[2]int]string{}, unit: "yuan", setup: funded()}
	hands[at].write(&hand{rand.New(rand.NewPCG(seed, uint64(at))), p})
	return p
}

// The treasury's export: one row of names, accounts of many digits, voided rows between, the total below.
func (h *hand) treasury() {
	p := h.p
	p.as, p.flags, p.bom = "payments", []string{"--issuer", "430700", "--type", "支付令"}, true
	head := p.texts("支付申请编号", "预算单位名称", "指标文号", "预算项目", "收款人", "收款人账号", "收款银行", "支付金额（元）", "资金用途", "功能分类", "支付方式", "支付日期", "支付凭证号", "是否作废")
	p.units[[2]int{head, 7}] = "支付金额"
	sum := int64(0)
	for i := range 16 + h.IntN(10) {
		line, written := h.leaf()
		payee, name := h.payee()
		d := h.date()
		t := truth{kind: "disbursed", date: d.Format("2006-01-02"), line: line, fen: h.fen(), payee: payee, account: h.digits(19 + h.IntN(4)), bank: "中国银行常德分行", voucher: "ZF" + h.digits(9), unit: "市工信局", purpose: "奖补资金", method: "authorised", channel: "payment"}
		void := i%7 == 3
		r := p.row(say("SQ"+h.digits(12)), say("市工信局"), say("常财企指〔2022〕"+strconv.Itoa(10+i)+"号"), say(written), name, say(t.account), say(t.bank), ink{}, say("奖补资金"), say("2150805"), say(h.pick("授权支付", "财政授权支付")), h.day(d), say(t.voucher), say(map[bool]string{true: "是", false: "否"}[void]))
		if void {
			p.rows[r][7] = h.money(t.fen, 0)
			continue
		}
		h.amount(r, 7, t.fen, 0)
		sum += t.fen
		p.want = append(p.want, t)
	}
	p.texts("合计", "", "", "", "", "", "", "", "", "", "", "", "", "")
	h.total(7, sum, 0, 0, 0)
}

// What went to the districts: a title, the unit at the upper right, one merged cell for each district, sums below each, months for dates, signatures at the foot.
func (h *hand) districts() {
	p := h.p
	p.as, p.unit, p.flags = "payments", "wan", []string{"--channel", "lower-treasury"}
	p.texts("2022年度高质量发展专项资金拨付区县明细表", "", "", "", "", "", "", "")
	p.merge(0, 0, 0, 7)
	p.texts("", "", "", "", "", "", "单位：万元", "")
	p.units[[2]int{1, 6}] = ""
	p.texts("序号", "区县", "收款单位", "预算项目", "拨付金额", "拨付时间", "资金文号", "备注")
	all, no := int64(0), 0
	for _, district := range []string{"武陵区", "鼎城区", "澧县", "石门县"} {
		first, sum := len(p.rows), int64(0)
		for range 2 + h.IntN(4) {
			no++
			line, written := h.leaf()
			d := h.date()
			t := truth{kind: "disbursed", date: d.Format("2006-01"), line: line, fen: h.fen(), payee: district + "财政局", district: district, channel: "lower-treasury"}
			r := p.row(ink{shown: strconv.Itoa(no), number: strconv.Itoa(no)}, say(district), say(t.payee), say(written), ink{}, h.month(d), say(fmt.Sprintf("常财企指〔2022〕%d号", no)), ink{})
			h.amount(r, 4, t.fen, 4)
			sum += t.fen
			p.want = append(p.want, t)
		}
		p.merge(first, 1, len(p.rows)-1, 1)
		p.texts("", h.pick("小计", district+"小计"), "", "", "", "", "", "")
		h.total(4, sum, 4, first, len(p.rows)-2)
		all += sum
	}
	p.texts("合 计", "", "", "", "", "", "", "")
	p.merge(len(p.rows)-1, 0, len(p.rows)-1, 3)
	h.total(4, all, 4, 0, 0)
	p.texts("制表人：张三", "", "审核人：李四", "", "", "填报日期：2022年12月31日")
}

// The register of quotas: opening amounts and additions as they were decided, texts for numbers and numbers for codes.
func (h *hand) quotas() {
	p := h.p
	p.as, p.setup, p.comma = "budget", fundLines, ';'
	head := p.texts("年度", "本级指标文号", "项目代码", "预算单位名称", "指标类型", "指标金额（元）", "发文时间", "指标说明")
	p.units[[2]int{head, 5}] = "指标金额"
	sum := int64(0)
	for i := range 12 {
		line := []string{"1.1", "1.2", "2"}[i%3]
		d := h.date()
		t := truth{kind: "appropriated", date: d.Format("2006-01-02"), line: line, fen: h.fen(), stage: "supplementary", unit: "市工信局"}
		word := h.pick("追加", "年中追加", "追加指标")
		if i < 3 {
			t.stage, word = "original", h.pick("年初", "年初预算")
		}
		code := say(line)
		if line == "2" && h.IntN(2) == 0 {
			code.number = "2"
		}
		r := p.row(h.pickInk(say("2022"), ink{shown: "2022", number: "2022"}, say("2022年")), say(fmt.Sprintf("常财预〔2022〕%d号", i+1)), code, say("市工信局"), say(word), ink{}, h.day(d), ink{})
		h.amount(r, 5, t.fen, 0)
		sum += t.fen
		p.want = append(p.want, t)
	}
	p.texts("总计", "", "", "", "", "", "", "")
	h.total(5, sum, 0, 1, len(p.rows)-2)
}

func (h *hand) pickInk(of ...ink) ink { return of[h.IntN(len(of))] }

// The budget at the beginning of the year: 一、（一）1. for the tree, the total above, sums of lines in the rows of groups.
func (h *hand) yearBudget() {
	p := h.p
	p.as, p.unit, p.setup, p.flags = "budget", "wan", "", []string{"--open"}
	p.texts("常德市2022年高质量发展专项资金年初预算表", "", "")
	p.merge(0, 0, 0, 2)
	p.texts("", "", "金额单位：人民币万元")
	p.units[[2]int{1, 2}] = ""
	p.texts("项目", "年初预算", "备注")
	lines := []struct{ code, name, ordinal string }{
		{"1", "科技创新", "一、"},
		{"1.1", "研发奖补", "（一）"},
		{"1.1.1", "规模以上企业", "1."},
		{"1.1.2", "“专精特新”企业", "2．"},
		{"1.2", "首台（套）奖励", "（二）"},
		{"2", "产业发展", "二、"},
		{"2.1", "5G应用示范", "（一）"},
		{"2.2", "产业园区建设", "（二）"},
	}
	sums := map[string]int64{}
	for _, l := range lines {
		p.opens = append(p.opens, l.code+" "+l.name)
		if slices.Contains([]string{"1", "1.1", "2"}, l.code) {
			continue
		}
		t := truth{kind: "appropriated", date: "2022", line: l.code, fen: h.fen(), stage: "original"}
		p.want = append(p.want, t)
		for code := l.code; ; {
			sums[code] += t.fen
			at := strings.LastIndexByte(code, '.')
			if at < 0 {
				break
			}
			code = code[:at]
		}
	}
	p.texts("合计", "", "")
	h.total(1, sums["1"]+sums["2"], 4, 0, 0)
	for _, l := range lines {
		r := p.row(say(l.ordinal+l.name), ink{}, ink{})
		if slices.Contains([]string{"1", "1.1", "2"}, l.code) {
			h.total(1, sums[l.code], 4, 0, 0)
			continue
		}
		h.amount(r, 1, sums[l.code], 4)
	}
}

// The list of who is to be given what, as it was made public: credit codes, capitals, contracts, notes below.
func (h *hand) awards() {
	p := h.p
	p.as, p.unit = "awards", "wan"
	p.texts("2022年第一批制造强市奖补资金拟安排名单", "", "", "", "", "", "", "")
	p.merge(0, 0, 0, 7)
	head := p.texts("序号", "企业名称", "统一社会信用代码", "支持方向", "奖补金额（万元）", "金额大写", "公示日期", "合同编号")
	p.units[[2]int{head, 4}] = "奖补金额"
	sum := int64(0)
	for i := range 10 + h.IntN(8) {
		line, written := h.leaf()
		payee, name := h.payee()
		d := h.date()
		t := truth{kind: "committed", date: d.Format("2006-01-02"), line: line, fen: h.fen(), payee: payee, uscc: h.uscc(), contract: "HT2022-" + h.digits(4)}
		t.words = inWords(t.fen)
		r := p.row(say(strconv.Itoa(i+1)), name, say(t.uscc), say(written), ink{}, say(t.words), h.day(d), say(t.contract))
		h.amount(r, 4, t.fen, 4)
		sum += t.fen
		p.want = append(p.want, t)
	}
	p.texts("", "合计", "", "", "", "", "", "")
	h.total(4, sum, 4, 2, len(p.rows)-2)
	p.texts("")
	p.texts("注：以上名单已公示5个工作日，5G项目1+7+28个，公示期内无异议。")
	p.texts("联系电话：0736-7250000")
}

// What arrived in the districts, each of the transfer whose voucher it names, in no order; the workbook counts from 1904.
func (h *hand) receipts() {
	p := h.p
	p.as, p.from04 = "receipts", true
	type transfer struct {
		seq               int64
		district, voucher string
		fen               int64
	}
	var sent []transfer
	for i, district := range []string{"武陵区", "鼎城区", "澧县", "石门县", "桃源县", "武陵区"} {
		t := transfer{int64(5 + i), district, fmt.Sprintf("BK%03d", 7+i), h.fen() + 100}
		p.setup += fmt.Sprintf(`{"kind":"disbursed","fund":"f","year":2022,"date":"2022-02","line":"2","amount":"%s","channel":"lower-treasury","payee":{"name":"%s财政局","class":"district"},"voucher":{"issuer":"430700","year":2022,"type":"拨款单","number":"%s"}}`+"\n", inUnit(t.fen, 0), district, t.voucher)
		sent = append(sent, t)
	}
	p.texts("专项资金到账回单清单")
	head := p.texts("区县", "到账日期", "到账金额(元)", "拨款凭证号", "附件")
	p.units[[2]int{head, 2}] = "到账金额"
	type arrival struct {
		transfer
		fen int64
	}
	var arrived []arrival
	for _, t := range sent {
		part := 1 + h.Int64N(t.fen-1)
		arrived = append(arrived, arrival{t, part}, arrival{t, t.fen - part})
	}
	h.Shuffle(len(arrived), func(i, j int) { arrived[i], arrived[j] = arrived[j], arrived[i] })
	sum := int64(0)
	for _, a := range arrived {
		d := h.date()
		p.want = append(p.want, truth{kind: "receipt-confirmed", date: d.Format("2006-01-02"), line: "2", fen: a.fen, district: a.district, of: a.seq})
		r := p.row(say(a.district), h.day(d), ink{}, say(a.voucher), say("回单"))
		h.amount(r, 2, a.fen, 0)
		sum += a.fen
	}
	p.texts("合计：", "", "", "", "")
	h.total(2, sum, 0, 0, 0)
}

// A bank's statement: the account above, debits and credits apart, the balance of each line, rows that somebody hid, tabs between the cells.
func (h *hand) statement() {
	p := h.p
	p.as, p.comma = "bank", '\t'
	account := h.digits(19)
	p.texts("中国农业银行常德分行账户明细对账单", "", "", "", "", "", "", "")
	p.merge(0, 0, 0, 7)
	p.texts("账号："+account, "", "", "户名：常德市财政局", "", "", "单位：元", "")
	p.units[[2]int{1, 6}] = "币种：人民币"
	p.texts("交易日期", "摘要", "借方发生额", "贷方发生额", "余额", "对方户名", "对方账号", "交易流水号")
	balance := int64(5_000_000_000_00)
	p.row(ink{}, say("期初余额"), ink{}, ink{}, h.money(balance, 0), ink{}, ink{}, ink{})
	in, out := int64(0), int64(0)
	for i := range 20 + h.IntN(10) {
		payee, name := h.payee()
		d := h.date()
		t := truth{kind: "bank-line", date: d.Format("2006-01-02"), fen: h.fen(), direction: "out", payee: payee, account: account, reference: "LS" + h.digits(14), purpose: "拨款"}
		other := h.digits(19)
		column := 2
		if h.IntN(3) == 0 {
			t.direction, column = "in", 3
			in, balance = in+t.fen, balance+t.fen
		} else {
			out, balance = out+t.fen, balance-t.fen
		}
		t.balance = balance
		r := p.row(h.day(d), say("拨款"), h.pickInk(ink{}, say("0.00"), say("-")), ink{}, h.money(balance, 0), name, say(other), say(t.reference))
		if column == 3 {
			p.rows[r][2], p.rows[r][3] = p.rows[r][3], p.rows[r][2]
		}
		p.rows[r][5-column] = h.pickInk(ink{}, say("0.00"), say("-"))
		h.amount(r, column, t.fen, 0)
		p.want = append(p.want, t)
		if i%9 == 4 {
			p.hidden = append(p.hidden, r)
		}
	}
	p.texts("", "本月合计", "", "", "", "", "", "")
	h.total(2, out, 0, 0, 0)
	h.total(3, in, 0, 0, 0)
	p.row(ink{}, say("期末余额"), ink{}, ink{}, h.money(balance, 0), ink{}, ink{}, ink{})
}

// A register in English: days before months, semicolons, codes of lines, a payee whose name is that of a total.
func (h *hand) english() {
	p := h.p
	p.as, p.comma, p.flags = "payments", ';', []string{"--issuer", "430700", "--type", "PO", "--dates", "dmy"}
	p.texts("Payments of the fund, fiscal year 2022")
	head := p.texts("No.", "Date paid", "Line", "Payee", "Account number", "Amount (CNY)", "Purpose", "Voucher no.")
	p.units[[2]int{head, 5}] = "Amount"
	sum := int64(0)
	for i := range 10 + h.IntN(5) {
		line := h.pick("1.1", "1.2", "2")
		d := h.date()
		t := truth{kind: "disbursed", date: d.Format("2006-01-02"), line: line, fen: h.fen(), payee: h.pick("Total", "Deshan Wine; Sales Co.", `"Wuling" Spirits`), account: h.digits(20), voucher: "V-" + h.digits(8), purpose: "R&D, first instalment", channel: "payment"}
		r := p.row(say(strconv.Itoa(i+1)), h.pickInk(say(d.Format("02/01/2006")), say(d.Format("2/1/2006")), ink{shown: d.Format("02/01/2006"), number: h.serial(d), format: "dd/mm/yyyy"}), say(line), say(t.payee), say(t.account), ink{}, say(t.purpose), say(t.voucher))
		h.amount(r, 5, t.fen, 0)
		sum += t.fen
		p.want = append(p.want, t)
	}
	p.texts("", "", "", "Grand total", "", "", "", "")
	h.total(5, sum, 0, 2, len(p.rows)-2)
	p.texts("Prepared by: A. Clerk")
}

// A header of two rows: what several columns have in common stands merged over them.
func (h *hand) twoRows() {
	p := h.p
	p.as, p.flags = "payments", []string{"--issuer", "430700"}
	p.texts("专项资金支付登记表（2022年）", "", "", "", "", "", "", "", "", "")
	p.merge(0, 0, 0, 9)
	top := p.texts("序号", "支付日期", "支出方向", "收款人", "", "", "金额（元）", "", "凭证", "")
	p.texts("", "", "", "全称", "账号", "开户银行", "小写", "大写", "种类", "号码")
	for c := range 3 {
		p.merge(top, c, top+1, c)
	}
	p.merge(top, 3, top, 5)
	p.merge(top, 6, top, 7)
	p.merge(top, 8, top, 9)
	p.units[[2]int{top, 6}] = "金额"
	sum := int64(0)
	for i := range 12 + h.IntN(6) {
		line, written := h.leaf()
		payee, name := h.payee()
		d := h.date()
		t := truth{kind: "disbursed", date: d.Format("2006-01-02"), line: line, fen: h.fen(), payee: payee, account: h.digits(19), bank: "华融湘江银行", voucher: h.digits(8), channel: "payment"}
		t.words = inWords(t.fen)
		r := p.row(ink{shown: strconv.Itoa(i + 1), number: strconv.Itoa(i + 1)}, h.day(d), say(written), name, say(t.account), say(t.bank), ink{}, say(h.pick("", "人民币")+t.words), say("支付令"), say(t.voucher))
		p.want = append(p.want, t)
		p.want[len(p.want)-1].words = p.rows[r][7].shown
		h.amount(r, 6, t.fen, 0)
		sum += t.fen
	}
	p.texts("合计", "", "", "", "", "", "", inWords(sum), "", "")
	h.total(6, sum, 0, top+2, len(p.rows)-2)
}

// A register as it was printed: the header again on each page, a sum at the foot of each, columns in other units, amounts that formulas give.
func (h *hand) pages() {
	p := h.p
	p.as, p.flags, p.comma = "payments", []string{"--issuer", "430700", "--type", "支付令"}, ','
	head := []string{"序号", "项目名称", "收款单位名称", "计划总投资（亿元）", "厂房面积（万平方米）", "批复资金（万元）", "支付金额（元）", "支付日期", "支付凭证号"}
	all, no := int64(0), 0
	for page := range 3 {
		p.texts(fmt.Sprintf("专项资金支付台账（第%d页）", page+1))
		p.units[[2]int{p.texts(head...), 6}] = "支付金额"
		first, sum := len(p.rows), int64(0)
		for range 5 + h.IntN(3) {
			no++
			line, written := h.leaf()
			payee, name := h.payee()
			d := h.date()
			t := truth{kind: "disbursed", date: d.Format("2006-01-02"), line: line, fen: (1 + h.Int64N(900_000)) * 100, payee: payee, voucher: fmt.Sprintf("2022%05d", no), channel: "payment"}
			wan := inUnit(t.fen, 4)
			r := p.row(say(wide(strconv.Itoa(no))), say(written), name, say("100.4亿元"), say("3.5"), ink{shown: wan, number: wan, format: "0.00####"}, ink{}, h.day(d), say(t.voucher))
			h.amount(r, 6, t.fen, 0)
			if h.IntN(2) == 0 {
				p.rows[r][6] = ink{shown: inUnit(t.fen, 0), number: inUnit(t.fen, 0), format: "#,##0.00", how: fmt.Sprintf("ROUND(F%d*10000,2)", r+1)}
			}
			sum += t.fen
			p.want = append(p.want, t)
		}
		p.texts("", "本页小计", "", "", "", "", "", "", "")
		h.total(6, sum, 0, first, len(p.rows)-2)
		all += sum
	}
	p.texts("", "累计", "", "", "", "", "", "", "")
	h.total(6, all, 0, 0, 0)
}

// forms are the files that each paper is written as.
var forms = []string{"utf8.csv", "gb18030.csv", "excelize.xlsx", "office.xlsx"}

// write writes a paper as a file of a form; that of the office program is made of the other workbook by office.
func (p *paper) write(t testing.TB, dir, form string) string {
	t.Helper()
	name := filepath.Join(dir, p.name+"-"+form)
	if strings.HasSuffix(form, ".xlsx") {
		p.workbook(t, name)
		return name
	}
	var out strings.Builder
	w := csv.NewWriter(&out)
	w.Comma, w.UseCRLF = p.comma, form == "gb18030.csv"
	for _, row := range p.rows {
		var cells []string
		for c, i := range row {
			if i.under && !p.reachesDown(c) {
				i.shown = ""
			}
			cells = append(cells, i.shown)
		}
		if err := w.Write(cells); err != nil {
			t.Fatal(err)
		}
	}
	w.Flush()
	text := out.String()
	if form == "gb18030.csv" {
		coded, err := simplifiedchinese.GB18030.NewEncoder().String(text)
		if err != nil {
			t.Fatal(p.fault("%v", err))
		}
		text = coded
	} else if p.bom {
		text = "\ufeff" + text
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// reachesDown reports whether CSV repeats the text of a merged cell: people who part a merged cell fill it in.
func (p *paper) reachesDown(c int) bool { return p.name == "区县拨付明细表" && c == 1 }

func (p *paper) workbook(t testing.TB, name string) {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(p.fault("%v", err))
		}
	}
	const sheet = "Sheet1"
	must(f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &p.from04}))
	styles := map[string]int{}
	for r, row := range p.rows {
		for c, i := range row {
			at, err := excelize.CoordinatesToCellName(c+1, r+1)
			must(err)
			if i.under || i.shown == "" && i.number == "" {
				continue
			}
			if i.number == "" {
				must(f.SetCellStr(sheet, at, i.shown))
			} else {
				must(f.SetCellDefault(sheet, at, i.number))
			}
			if i.how != "" {
				must(f.SetCellFormula(sheet, at, i.how))
			}
			if i.format != "" || i.red {
				key := i.format + strconv.FormatBool(i.red)
				if styles[key] == 0 {
					s := &excelize.Style{}
					if i.format != "" {
						s.CustomNumFmt = &i.format
					}
					if i.red {
						s.Font = &excelize.Font{Color: "FF0000"}
					}
					styles[key], err = f.NewStyle(s)
					must(err)
				}
				must(f.SetCellStyle(sheet, at, at, styles[key]))
			}
		}
	}
	for _, m := range p.merges {
		from, _ := excelize.CoordinatesToCellName(m[1]+1, m[0]+1)
		to, _ := excelize.CoordinatesToCellName(m[3]+1, m[2]+1)
		must(f.MergeCell(sheet, from, to))
	}
	for _, r := range p.hidden {
		must(f.SetRowVisible(sheet, r+1, false))
	}
	must(f.SaveAs(name))
}

// office has LibreOffice open workbooks and save each anew in a folder, all in one run. Where there is none the test is skipped, and fails where that is asked.
func office(t testing.TB, dir string, files ...string) {
	t.Helper()
	path, err := exec.LookPath("soffice")
	if err != nil {
		if require := os.Getenv("FUNDLEDGER_REQUIRE"); require == "all" || strings.Contains(require, "office") {
			t.Fatalf("FUNDLEDGER_REQUIRE=%s asks for an office program: %v", require, err)
		}
		t.Skipf("=== SKIPPED: whether registers saved by LibreOffice are imported was NOT tried: %v; FUNDLEDGER_REQUIRE=office makes this a failure ===", err)
	}
	args := append([]string{"-env:UserInstallation=file://" + t.TempDir(), "--headless", "--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", dir}, files...)
	if out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, f := range files {
		if _, err := os.Stat(filepath.Join(dir, filepath.Base(f))); err != nil {
			t.Fatal(err)
		}
	}
}

// posted is what the tests look at of a stored command.
type posted struct {
	Kind, Date, Line, Amount, Stage, Direction, Counterparty, Account, Balance, Reference, Contract, Purpose, Method, Channel string
	AmountText                                                                                                                string `json:"amount_text"`
	Payee                                                                                                                     struct{ Name, ID, Account, Bank string }
	Voucher                                                                                                                   struct{ Number string }
	Dims                                                                                                                      map[string]string
	Of                                                                                                                        int64
	Cause, Reason                                                                                                             string
	ToLine                                                                                                                    string `json:"to_line"`
	Lines                                                                                                                     []struct{ Code, Name string }
}

// fenOf reads an amount of a command.
func fenOf(t testing.TB, s string) int64 {
	t.Helper()
	if s == "" {
		return 0
	}
	whole, frac, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole+(frac + "00")[:2], 10, 64)
	if err != nil || len(frac) > 2 {
		t.Fatalf("the amount %q is no amount of a command", s)
	}
	return n
}

// asTruth is what a stored command says, as a truth.
func asTruth(t testing.TB, raw json.RawMessage) truth {
	t.Helper()
	var c posted
	if err := json.Unmarshal(raw, &c); err != nil {
		t.Fatal(err)
	}
	out := truth{
		kind: c.Kind, date: c.Date, line: c.Line, stage: c.Stage, direction: c.Direction, fen: fenOf(t, c.Amount), balance: fenOf(t, c.Balance), payee: c.Payee.Name, uscc: c.Payee.ID,
		account: c.Payee.Account, bank: c.Payee.Bank, contract: c.Contract, voucher: c.Voucher.Number, district: c.Dims["district"], unit: c.Dims["unit"], purpose: c.Purpose,
		words: c.AmountText, reference: c.Reference, method: c.Method, channel: c.Channel, of: c.Of,
	}
	if c.Kind == "bank-line" {
		out.payee, out.account = c.Counterparty, c.Account
	}
	if c.Kind == "receipt-confirmed" { // its line is that of the transfer
		out.line = "2"
	}
	return out
}
