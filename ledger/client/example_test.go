package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"

	"fundledger/events"
	"fundledger/events/stream"
	"fundledger/events/stream/embedded"
	"fundledger/ledger"
	"fundledger/ledger/api"
	"fundledger/ledger/client"
)

const commands = `
{"kind":"fund-opened","fund":"parks","year":2026,"name":"Parks fund"}
{"kind":"line-added","fund":"parks","year":2026,"line":"1","name":"Trees"}
{"kind":"appropriated","stage":"original","fund":"parks","year":2026,"date":"2026-01-15","line":"1","amount":"5000.00"}
{"kind":"disbursed","fund":"parks","year":2026,"date":"2026-03-02","line":"1","amount":"6000.00","channel":"payment"}
`

func Example() {
	server, stop := serve() // another process: fundledger serve
	defer stop()

	nc, err := server.Dial() // or nats.Connect(…)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	c := client.New(nc, "local")

	var inputs []ledger.Input
	for in, err := range ledger.ReadInputs(strings.NewReader(commands)) {
		if err != nil {
			log.Fatal(err)
		}
		inputs = append(inputs, in)
	}
	// An answer that was lost is asked for again: nothing is stored twice.
	for range 2 {
		for _, r := range c.Append(context.Background(), inputs, false) {
			if r.Code != "" {
				fmt.Println("line", r.Input, r.Status, r.Code, "–", r.Message)
				continue
			}
			fmt.Println("line", r.Input, r.Status, "as event", r.Seq)
		}
	}
	// Output:
	// line 2 appended as event 1
	// line 3 appended as event 2
	// line 4 appended as event 3
	// line 5 refused over-budget – line 1 of parks 2026 has 5,000.00 left; 6,000.00 asked
	// line 2 duplicate as event 1
	// line 3 duplicate as event 2
	// line 4 duplicate as event 3
	// line 5 refused over-budget – line 1 of parks 2026 has 5,000.00 left; 6,000.00 asked
}

// serve runs a ledger on a folder of its own.
func serve() (at *embedded.Address, stop func()) {
	folder, err := os.MkdirTemp("", "parks")
	if err != nil {
		log.Fatal(err)
	}
	server, _, err := embedded.Hold(context.Background(), folder, embedded.Options{Create: true, Listen: true})
	if err != nil {
		log.Fatal(err)
	}
	nc, err := server.Connect()
	if err != nil {
		log.Fatal(err)
	}
	store, err := stream.NewStore(nc, stream.Own, embedded.Heads(folder))
	if err != nil {
		log.Fatal(err)
	}
	l := ledger.Open(func(f events.Fund) ledger.Log { return store.Log(f) }, nil)
	in, err := server.Receive()
	if err != nil {
		log.Fatal(err)
	}
	service, err := api.Serve(in, l, "v1.0.0", nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := in.Flush(); err != nil { // from then on the broker knows who answers
		log.Fatal(err)
	}
	return server.Address(), func() {
		err := service.Stop()
		l.Close(context.Background())
		in.Close()
		nc.Close()
		if err := errors.Join(err, server.Stop(), os.RemoveAll(folder)); err != nil {
			log.Fatal(err)
		}
	}
}
