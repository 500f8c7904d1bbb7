// Package embedded is the NATS server inside the program, and the lock on a data folder.
//
// A folder holds
//
//	lock       locked by the one process that holds the folder
//	address    where that process serves, with a token, mode 0600; of no meaning while nobody holds the lock
//	heads/     the remembered end of each log
//	snapshots/ what was made of each log so far: a cache, which may be removed
//	jetstream/ the broker's store
//	damaged/   copies of what the broker would have cut away
//
// The server has two accounts. LEDGER owns the logs; only connections from within this process are in it. CLIENTS is for other programs: it
// imports what is needed to read a log, and nothing that could write one. Commands do not cross over: who decides them takes and answers them in
// CLIENTS. So a request whose reply is a subject of the ledger's is answered there, where nobody listens on it.
//
// In CLIENTS there are also the bucket BALANCES, which other programs can read and watch, and the events on feed.>, which they can hear. Only connections from within this
// process may write either. But an answer, and what a consumer delivers, goes where whoever asks says: so the bucket must not be where the logs are, and whoever keeps it looks
// after what was sent there so; and on feed.> there can be what is no event.
package embedded

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"fundledger/events"

	"github.com/gofrs/flock"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// An Address is where a folder's server serves, and the right to use it.
type Address struct {
	URL   string `json:"url"`
	User  string `json:"user"`
	Token string `json:"token"`
}

// A Server holds a folder: its lock, and the broker on its store.
type Server struct {
	folder  string
	lock    *flock.Flock
	broker  *server.Server
	address *Address
	secret  string
	stop    func() error

	listeners listeners
}

// Heads is where a folder's heads are.
func Heads(folder string) string { return filepath.Join(folder, "heads") }

// Options say how to hold a folder.
type Options struct {
	// Create makes the folder where there is none. Reading never does.
	Create bool
	// Listen serves other programs on a port of the loopback interface. They learn of it with [Server.Announce].
	Listen bool
	// Patience is how long to wait for a folder that something without an address holds; 0 is ten seconds.
	Patience time.Duration
}

// Hold takes a folder. While a server holds it already, Hold returns that server's address instead. [events.Unavailable] says that there is no
// folder, that something else holds it and does not let go, or that the store cannot be used.
func Hold(ctx context.Context, folder string, o Options) (*Server, *Address, error) {
	if o.Patience == 0 {
		o.Patience = 10 * time.Second
	}
	if o.Create {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, nil, unusable(folder, err)
		}
	} else if !exists(filepath.Join(folder, "lock")) && !exists(storePath(folder)) { // a copy may have left the lock behind
		return nil, nil, &events.Error{Code: events.Unavailable, Why: "no-folder", Args: events.Args{"folder": folder}}
	}
	lock := flock.New(filepath.Join(folder, "lock"), flock.SetPermissions(0o600))
	deadline := time.Now().Add(o.Patience)
	for {
		held, err := lock.TryLock()
		if err != nil {
			return nil, nil, unusable(folder, err)
		}
		if held {
			s, err := start(folder, lock, o.Listen)
			if err != nil {
				return nil, nil, errors.Join(err, lock.Unlock())
			}
			return s, nil, nil
		}
		// Right after a server has died another may hold the lock while the address is still the dead one's.
		if a := readAddress(folder); a != nil && a.answers() {
			return nil, a, nil
		}
		if time.Now().After(deadline) {
			return nil, nil, &events.Error{Code: events.Unavailable, Why: "folder-busy", Args: events.Args{"folder": folder}}
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

func unusable(folder string, err error) error {
	return &events.Error{Code: events.Unavailable, Why: "disk", Args: events.Args{"folder": folder, "cause": err.Error()}, Err: err}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

func storePath(folder string) string { return filepath.Join(folder, "jetstream") }

func addressPath(folder string) string { return filepath.Join(folder, "address") }

// readAddress returns the address that the holder of the lock has written, nil while there is none.
func readAddress(folder string) *Address {
	data, err := os.ReadFile(addressPath(folder))
	if err != nil {
		return nil
	}
	var a Address
	if json.Unmarshal(data, &a) != nil || a.URL == "" {
		return nil
	}
	return &a
}

// answers reports whether anything listens there.
func (a *Address) answers() bool {
	u, err := url.Parse(a.URL)
	if err != nil {
		return false
	}
	c, err := net.DialTimeout("tcp", u.Host, time.Second)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}

// configuration is the broker's, with the ledger's secret and the clients' token to be filled in. Other programs hear answers and events alone, and of
// the broker's API they may use what reads the bucket.
const configuration = `
server_name: fundledger
jetstream { sync_interval: always, max_file_store: 1PB, max_memory_store: 64MB }
max_payload: 8MB
accounts {
  LEDGER {
    jetstream: enabled
    users: [ { user: ledger, password: %[1]q } ]
    exports: [
      { service: "$JS.API.STREAM.NAMES" }
      { service: "$JS.API.STREAM.INFO.*" }
      { service: "$JS.API.DIRECT.GET.*", response: stream }
    ]
  }
  CLIENTS {
    jetstream: enabled
    users: [
      { user: ledger.service, password: %[1]q }
      { user: %[2]s, password: %[3]q, permissions: {
        subscribe: [ "_INBOX.>", "feed.>" ]
        publish: [
          "cmd.*.*", "LEDGER.API.>", "$SRV.>"
          "$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.LIST", "$JS.API.STREAM.INFO.KV_BALANCES"
          "$JS.API.DIRECT.GET.KV_BALANCES", "$JS.API.DIRECT.GET.KV_BALANCES.>", "$JS.API.STREAM.MSG.GET.KV_BALANCES"
          "$JS.API.CONSUMER.CREATE.KV_BALANCES", "$JS.API.CONSUMER.CREATE.KV_BALANCES.>", "$JS.API.CONSUMER.INFO.KV_BALANCES.>"
          "$JS.API.CONSUMER.DELETE.KV_BALANCES.>", "$JS.API.CONSUMER.MSG.NEXT.KV_BALANCES.>", "$JS.ACK.KV_BALANCES.>", "$JS.FC.KV_BALANCES.>"
        ]
      } }
    ]
    imports: [
      { service: { account: LEDGER, subject: "$JS.API.STREAM.NAMES" }, to: "LEDGER.API.STREAM.NAMES" }
      { service: { account: LEDGER, subject: "$JS.API.STREAM.INFO.*" }, to: "LEDGER.API.STREAM.INFO.*" }
      { service: { account: LEDGER, subject: "$JS.API.DIRECT.GET.*" }, to: "LEDGER.API.DIRECT.GET.*" }
    ]
  }
}
`

// ClientUser is the name that goes with the token of an [Address].
const ClientUser = "client"

// connectPatience is how long the two ends of a connection may take to greet each other. The usual two seconds are for networks; on one machine the
// other end is there, and only gets no processor.
const connectPatience = 10 * time.Second

func start(folder string, lock *flock.Flock, listen bool) (*Server, error) {
	// Whoever wrote an address that is still here has died without removing it.
	if err := os.Remove(addressPath(folder)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, unusable(folder, err)
	}
	if err := keepDamaged(folder); err != nil {
		return nil, unusable(folder, err)
	}
	s := &Server{folder: folder, lock: lock, secret: rand.Text()}
	s.stop = sync.OnceValue(s.end)
	token := rand.Text()
	opts := &server.Options{}
	if err := opts.ProcessConfigString(fmt.Sprintf(configuration, s.secret, ClientUser, token)); err != nil {
		return nil, unusable(folder, err)
	}
	opts.StoreDir = storePath(folder) // not by the text above: its strings cannot spell every path
	opts.Host, opts.Port, opts.DontListen = "127.0.0.1", server.RANDOM_PORT, !listen
	opts.NoSigs, opts.NoLog = true, true
	opts.AuthTimeout = connectPatience.Seconds()
	var err error
	if s.broker, err = server.NewServer(opts); err != nil {
		return nil, unusable(folder, err)
	}
	s.broker.Start()
	if !s.broker.ReadyForConnections(30*time.Second) || !s.broker.JetStreamEnabled() {
		s.broker.Shutdown()
		s.broker.WaitForShutdown()
		return nil, unusable(folder, errors.New("the broker could not use its store"))
	}
	if listen {
		s.address = &Address{URL: s.broker.ClientURL(), User: ClientUser, Token: token}
	}
	return s, nil
}

// Announce writes the address into the folder, for other programs to find. It comes after whatever answers their commands is ready: who finds
// the address at once must not find nobody there.
func (s *Server) Announce() error {
	data, err := json.Marshal(s.address)
	if err != nil {
		return err
	}
	path := addressPath(s.folder)
	if err := os.WriteFile(path+".new", append(data, '\n'), 0o600); err != nil {
		return unusable(s.folder, err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return unusable(s.folder, err)
	}
	return nil
}

// Address is where the server serves other programs; nil where it does not listen.
func (s *Server) Address() *Address { return s.address }

// Connect returns a connection of the ledger itself, with every right; the broker's API is at stream.Own.
func (s *Server) Connect() (*nats.Conn, error) { return s.connect("ledger") }

// Receive returns a connection on which the commands of other programs are taken and answered. It reaches no log.
func (s *Server) Receive() (*nats.Conn, error) { return s.connect("ledger.service") }

func (s *Server) connect(user string) (*nats.Conn, error) {
	return nats.Connect("", nats.InProcessServer(s.broker), nats.UserInfo(user, s.secret), nats.Name("fundledger"), nats.Timeout(connectPatience), quiet)
}

// Dial returns a connection of another program to the server at a; what it may read of the broker's API is at stream.Imported.
func (a *Address) Dial(opts ...nats.Option) (*nats.Conn, error) {
	return nats.Connect(a.URL, append([]nats.Option{nats.UserInfo(a.User, a.Token), nats.Name("fundledger"), nats.Timeout(connectPatience), quiet}, opts...)...)
}

// quiet keeps the client from printing what its callers are told anyway.
func quiet(o *nats.Options) error {
	o.AsyncErrorCB = func(*nats.Conn, *nats.Subscription, error) {}
	return nil
}

// Listened reports whether anybody listens to events, on whatever subject. The broker does not tell that of many subjects at once, so its subscriptions are looked at: when
// there are more or fewer of them, and else now and then. It is for one goroutine at a time.
func (s *Server) Listened() bool {
	account, err := s.broker.LookupAccount(clientsAccount)
	if err != nil {
		return false
	}
	l := &s.listeners
	if count := account.TotalSubs(); count != l.count || time.Since(l.looked) > listenedEvery {
		all, err := s.broker.Subsz(&server.SubszOptions{Account: clientsAccount, Subscriptions: true, Limit: 1 << 20})
		l.count, l.looked = count, time.Now()
		l.any = err == nil && slices.ContainsFunc(all.Subs, func(sub server.SubDetail) bool { return strings.HasPrefix(sub.Subject, "feed.") })
	}
	return l.any
}

// listeners is what was found when it was looked for them last.
type listeners struct {
	count  int
	looked time.Time
	any    bool
}

const (
	clientsAccount = "CLIENTS"
	listenedEvery  = 200 * time.Millisecond
)

// Stop ends the server in order and lets go of the folder. Connections must have been drained. Stopping again does nothing more.
func (s *Server) Stop() error { return s.stop() }

func (s *Server) end() error {
	err := os.Remove(addressPath(s.folder))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	s.broker.Shutdown()
	s.broker.WaitForShutdown()
	return errors.Join(err, s.lock.Unlock())
}
