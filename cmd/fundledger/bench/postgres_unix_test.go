//go:build unix

package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// postgresAddress starts a PostgreSQL of its own and returns its address.
func postgresAddress(t *testing.T) string {
	t.Helper()
	initdb, err := exec.LookPath("initdb")
	if err != nil {
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
		if len(found) == 0 {
			t.Skip("there is no PostgreSQL here: no initdb in PATH or /usr/lib/postgresql")
		}
		initdb = found[len(found)-1]
	}
	if initdb, err = filepath.EvalSymlinks(initdb); err != nil {
		t.Skip(err)
	}
	bin := filepath.Dir(initdb)
	dir, err := os.MkdirTemp("", "fundledger-pg-") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	as := &syscall.SysProcAttr{}
	if os.Getuid() == 0 { // PostgreSQL does not run as root
		u, err := user.Lookup("postgres")
		if err != nil {
			t.Skip("PostgreSQL does not run as root, and there is no user postgres")
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Skip(err)
		}
		as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	run := func(name string, args ...string) {
		t.Helper()
		c := exec.Command(filepath.Join(bin, name), args...)
		c.Dir, c.SysProcAttr = dir, as
		if out, err := c.CombinedOutput(); err != nil {
			t.Skipf("%s: %v: %s", name, err, out)
		}
	}
	data := filepath.Join(dir, "data")
	run("initdb", "--pgdata", data, "--auth", "trust", "--username", "bench", "--no-sync")
	// It listens on nothing but a socket in the folder, so its port can be any.
	server := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "max_connections=100")
	server.Dir, server.SysProcAttr = dir, as
	if err := server.Start(); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGINT) // ends it at once, in order
		_ = server.Wait()
	})
	url := fmt.Sprintf("postgres:///postgres?host=%s&user=bench&sslmode=disable", dir)
	for {
		conn, err := pgx.Connect(t.Context(), url)
		if err == nil {
			_ = conn.Close(t.Context())
			return url
		}
		if t.Context().Err() != nil || syscall.Kill(server.Process.Pid, 0) != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestPostgres(t *testing.T) {
	t.Parallel()
	url := postgresAddress(t)
	t.Run("rows", func(t *testing.T) {
		o := options(t)
		o.Payments, o.Postgres = 2*bulkBlock+100, url
		o.Only = slices.DeleteFunc(slices.Clone(Rows), func(name string) bool {
			return strings.HasPrefix(name, "tcp") || name == Fdatasync || name == "in-process-1"
		})
		report, err := Append(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		checkRows(t, report, o.Only)
		nothingLeft(t, o.Dir)
	})
	t.Run("questions", func(t *testing.T) {
		o := options(t)
		o.Postgres, o.Only = url, AsOfRows
		report, err := AsOf(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if len(report.Rows) != len(AsOfRows) {
			t.Errorf("got %+v", report.Rows)
		}
		for _, row := range report.Rows {
			if (row.Name == "as-of-20-lines" || row.Name == "as-of-2000-lines") != (row.VsPostgres > 0) {
				t.Errorf("%s: %v times PostgreSQL", row.Name, row.VsPostgres)
			}
		}
	})
	t.Run("decides", func(t *testing.T) { postgresDecides(t, url) })
	t.Run("loses", func(t *testing.T) { postgresLoses(t, url) })
	t.Run("interrupted", func(t *testing.T) {
		o := options(t)
		o.Postgres, o.Time, o.Payments = url, time.Hour, 10_000_000
		for _, name := range []string{"postgres-batches-1", PostgresBatches64, "postgres-statement-64", PostgresBulk} {
			ctx, cancel := context.WithCancel(t.Context())
			o.Only, o.Progress = []string{name}, func(int, string) { time.AfterFunc(100*time.Millisecond, cancel) }
			if _, err := Append(ctx, o); err == nil {
				t.Errorf("%s: no error", name)
			}
		}
	})
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	var left int
	if err := conn.QueryRow(t.Context(), "select count(*) from pg_namespace where nspname like 'fundledger%'").Scan(&left); err != nil || left > 0 {
		t.Errorf("%d schemas are left, %v", left, err)
	}
	_ = conn.Close(t.Context())
}

// postgresDecides gives every form the same commands: new ones, a retry, and one that the line has not the money for.
func postgresDecides(t *testing.T, url string) {
	p, err := openPostgres(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	commands := func() (all []*pgPayment) {
		for _, c := range []pgPayment{
			{id: "a", line: 0, amount: 10},
			{id: "b", line: 1, amount: 10},
			{id: "a", line: 0, amount: 10},
			{id: "c", line: 0, amount: 10},
			{id: "d", line: 1, amount: budget},
			{id: "e", line: 1, amount: budget - 10},
			{id: "b", line: 1, amount: 10},
		} {
			c.event = []byte("event " + c.id)
			all = append(all, &c)
		}
		return all
	}
	now := func() chan struct{} { c := make(chan struct{}, 1); c <- struct{}{}; return c }
	for name, decide := range map[string]func(*pgx.Conn, []*pgPayment) error{
		"one":   func(c *pgx.Conn, all []*pgPayment) error { return decideEach(t.Context(), c, all) },
		"batch": func(c *pgx.Conn, all []*pgPayment) error { return decideBatch(t.Context(), c, all) },
		"block": func(c *pgx.Conn, all []*pgPayment) error { return decideBlock(t.Context(), c, all, now(), func() {}) },
	} {
		if err := p.fresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		conn, err := pgx.ConnectConfig(t.Context(), p.config)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), staging); err != nil {
			t.Fatal(err)
		}
		for round := range 2 { // the second time without the refusal: what is new, and what was there
			all := commands()
			if round == 1 {
				all = append(slices.Delete(all, 4, 5), &pgPayment{id: "f", line: 2, amount: 1, event: []byte("event f")})
			}
			if err := decide(conn, all); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			seqs := map[string]int64{}
			for i, c := range all {
				refused := c.id == "d"
				_, duplicate := seqs[c.id]
				duplicate = duplicate || round == 1 && c.id != "f"
				if c.refused != refused || c.duplicate != duplicate || (c.seq == 0) != refused || seqs[c.id] != 0 && seqs[c.id] != c.seq {
					t.Errorf("%s, round %d: command %d, %+v", name, round, i, c)
				}
				seqs[c.id] = c.seq
			}
		}
		var n, free int64
		if err := conn.QueryRow(t.Context(), "select (select count(*) from events), (select free from balances where line = 1)").Scan(&n, &free); err != nil || n != 5 || free != 0 {
			t.Errorf("%s: %d events, %d left on line 1, %v", name, n, free, err)
		}
		_ = conn.Close(t.Context())
	}
}

// postgresLoses takes away an event, and some money.
func postgresLoses(t *testing.T, url string) {
	p, err := openPostgres(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	for _, tamper := range []string{"", "delete from events where seq = 2", "update balances set free = free - 1 where line = 1"} {
		if err := p.fresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		w := &workload{line: make([]byte, 100)}
		var all []*pgPayment
		for n := range 5 {
			all = append(all, w.pgPayment(n))
		}
		if err := decideBatch(t.Context(), p.admin, all); err != nil {
			t.Fatal(err)
		}
		if _, err := p.admin.Exec(t.Context(), tamper); err != nil {
			t.Fatal(err)
		}
		if err := p.verify(t.Context(), 5); (err == nil) != (tamper == "") {
			t.Errorf("after %q: %v", tamper, err)
		}
	}
}
