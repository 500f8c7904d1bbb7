package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"fundledger/cmd/fundledger/bench"
)

// measured is what bench prints in JSON.
type measured struct {
	Rounds, Payments, Bytes int
	Rows                    []struct {
		Name                  string
		PerSecond             *float64 `json:"per_second"` // rounded: on a slow disk it may be 0
		P50                   float64  `json:"p50_us"`
		P99                   float64  `json:"p99_us"`
		VsUnsynced, VsSynced  *string
		VsFdatasync, Postgres *string

		Clients  int
		Max      float64 `json:"max_us"`
		VsRaw    *string `json:"vs_raw"`
		VsCalm   *string `json:"vs_calm"`
		ServerMB float64 `json:"server_mb"`
		KB       *string `json:"kb_per_client"`
	}
}

func measure(t *testing.T, args ...string) (m measured, names []string) {
	t.Helper()
	return (&program{}).measure(t, args...)
}

func (p *program) measure(t *testing.T, args ...string) (m measured, names []string) {
	t.Helper()
	dir := t.TempDir()
	args = append([]string{"bench"}, append(args, "--dir", dir, "--format", "json", "--rounds", "1")...)
	if err := json.Unmarshal([]byte(p.ok(t, args...)), &m); err != nil {
		t.Fatal(err)
	}
	for _, r := range m.Rows {
		names = append(names, r.Name)
		if (r.PerSecond == nil) != (r.Name == bench.OpenStore || strings.HasSuffix(r.Name, "-reconnects")) {
			t.Errorf("%s: %v a second", r.Name, r.PerSecond)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
	return m, names
}

func TestBench(t *testing.T) {
	t.Parallel()
	want := slices.DeleteFunc(slices.Clone(bench.Rows), func(name string) bool { return strings.HasPrefix(name, "postgres-") })
	m, names := measure(t, "append", "--seconds", "0.02", "--events", "300")
	if !slices.Equal(names, want) || m.Rounds != 1 || m.Payments != 300 || m.Bytes < 500 {
		t.Errorf("got %+v, want the rows %v", m, want)
	}
	for _, r := range m.Rows {
		if r.Name != bench.File && (r.P50 <= 0 && r.Name != bench.Fdatasync || r.P99 < r.P50) { // in memory a sync takes no microsecond
			t.Errorf("%+v", r)
		}
	}
	if _, names := measure(t, "import", "--seconds", "0.02", "--events", "300"); !slices.Equal(names, []string{bench.RawUnsynced, bench.RawSynced, bench.File}) {
		t.Errorf("import measures %v", names)
	}
	if _, names := measure(t, "start", "--events", "20100"); !slices.Equal(names, []string{bench.OpenStore, bench.StartSnapshot, bench.StartReplay}) {
		t.Errorf("start measures %v", names)
	}
	if _, names := measure(t, "replay", "--events", "3000"); !slices.Equal(names, bench.ReplayRows) {
		t.Errorf("replay measures %v", names)
	}
	want = slices.DeleteFunc(slices.Clone(bench.AsOfRows), func(name string) bool { return strings.HasPrefix(name, "postgres-") })
	if _, names := measure(t, "as-of", "--events", "3000", "--seconds", "0.02"); !slices.Equal(names, want) {
		t.Errorf("as-of measures %v", names)
	}
}

// TestBenchLive has a few clients, all that disturb them, and some who wait.
func TestBenchLive(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("live is measured on Linux only")
	}
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	p := &program{built: path}
	m, names := p.measure(t, "live", "--seconds", "0.3", "--clients", "20", "--rate", "100", "--idle", "30", "--hostile", "40", "--events", "50")
	want := []string{
		"balances", "balances-hostile", "balances-hostile-reconnects", "balances-beside", "balances-beside-reconnects",
		"events", "events-hostile", "events-hostile-reconnects", "events-beside", "events-beside-reconnects",
		"raw-fanout", "raw-fanout-hostile", "raw-fanout-hostile-reconnects", "idle",
	}
	if !slices.Equal(names, want) {
		t.Fatalf("rows %v, want %v", names, want)
	}
	for _, r := range m.Rows {
		beside := strings.HasSuffix(r.Name, "-beside")
		disturbed, compared := beside || strings.HasSuffix(r.Name, "-hostile"), strings.HasPrefix(r.Name, "events") && !beside
		clients := map[bool]int{true: 40, false: 20}[strings.HasSuffix(r.Name, "-reconnects")]
		switch {
		case r.Name == "idle":
			if r.Clients != 30 || r.P50 != 0 || r.KB == nil || r.ServerMB == 0 {
				t.Errorf("%+v", r)
			}
		case r.Clients != clients || r.P50 <= 0 || r.P99 < r.P50 || r.Max < r.P99:
			t.Errorf("%+v", r)
		case clients == 20 && (compared != (r.VsRaw != nil) || disturbed != (r.VsCalm != nil) || r.ServerMB == 0):
			t.Errorf("%+v", r)
		}
	}
	if _, names := p.measure(t, "live", "--seconds", "0.1", "--clients", "1", "--rate", "10", "--idle", "0", "--hostile", "0", "--events", "1"); !slices.Equal(names, []string{"balances", "events", "raw-fanout"}) {
		t.Errorf("without the idle and the hostile: %v", names)
	}
	for _, lang := range []string{"en", "zh"} {
		out := p.ok(t, "bench", "live", "--only", "idle", "--seconds", "0.1", "--idle", "3", "--events", "1", "--rounds", "1", "--dir", t.TempDir(), "--lang", lang)
		if !strings.Contains(out, "idle") || rawKey.MatchString(out) || strings.Contains(out, "column.") || strings.Contains(out, "title.") {
			t.Errorf("in %s:\n%s", lang, out)
		}
	}
}

func TestBenchInWords(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"text", "md", "csv"} {
		for _, lang := range []string{"en", "zh"} {
			out := (&program{}).ok(t, "bench", "import", "--only", "raw-synced,file", "--seconds", "0.02", "--events", "10", "--rounds", "1", "--dir", t.TempDir(), "--format", format, "--lang", lang)
			if !strings.Contains(out, "raw-synced") || strings.Contains(out, "yuan") || strings.Contains(out, "币种") || rawKey.MatchString(out) || strings.Contains(out, "column.") {
				t.Errorf("%s in %s:\n%s", format, lang, out)
			}
		}
	}
}

func TestBenchRefusesWhatItCannotMeasure(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{},
		{"everything"},
		{"append", "start"},
		{"append", "--rounds", "0"},
		{"append", "--seconds", "0"},
		{"append", "--seconds", "NaN"},
		{"append", "--events", "-1"},
		{"append", "--size", "0"},
		{"append", "--size", "1000000"},
		{"append", "--only", "raw-fast"},
		{"append", "--format", "pdf"},
		{"append", "--data", "data"},
		{"append", "--nats", "nats://127.0.0.1"},
		{"start", "--events", "10"},
		{"live", "--clients", "0"},
		{"live", "--rate", "-1"},
		{"live", "--idle", "-1"},
		{"live", "--hostile", "-1"},
	} {
		for _, lang := range []string{"en", "zh"} {
			got := (&program{}).run(t, append(append([]string{"bench"}, args...), "--lang", lang, "--dir", t.TempDir())...)
			if got.code != exitUsage || got.out != "" || !strings.HasPrefix(got.err, "fundledger: ") || rawKey.MatchString(got.err) {
				t.Errorf("%v in %s: exit %d, prints %q, says %q", args, lang, got.code, got.out, got.err)
			}
		}
	}
	if got := (&program{}).run(t, "bench", "append", "--dir", filepath.Join(t.TempDir(), "none")); got.code == exitOK || got.out != "" {
		t.Errorf("in a folder that is not there: exit %d, %q", got.code, got.out)
	}
}
