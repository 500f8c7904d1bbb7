package main

import (
	"context"
	"log"
	"math"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"time"

	"fundledger/events"
	"fundledger/events/words"
	"fundledger/ledger"
	"fundledger/ledger/api"
	"fundledger/projections"
	"fundledger/projections/live"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are what a server shows of itself at /metrics, in the form of Prometheus. Nothing is pushed and nothing is added up for them but by those who do the work:
// whoever asks gets the ledger's counts, how far the books are and what they hold at that moment.
//
// Labels are funds that have events, years, currencies, codes, statuses, patterns of paths: never what somebody only sends, and never a payee.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fundledger_http_requests_total",
			Help: "Requests answered over HTTP, by pattern of the path (other where there is none), method and status. A live feed counts once it has ended.",
		}, []string{"route", "method", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "fundledger_http_request_duration_seconds",
			Help:    "Time from a request's header to the end of its answer, live feeds left out.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"route", "method"}),
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "fundledger_build_info", Help: "The program that runs: always 1."}, []string{"version", "go_version"})
	build.WithLabelValues(version(), runtime.Version()).Set(1)
	m.registry.MustRegister(m.requests, m.seconds, build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// served counts a request.
func (m *metrics) served(e *api.Exchange) {
	route := e.Route
	if route == "" {
		route = "other"
	}
	m.requests.WithLabelValues(route, e.Method, strconv.Itoa(e.Status)).Inc()
	if !e.Stream {
		m.seconds.WithLabelValues(route, e.Method).Observe(e.Took.Seconds())
	}
}

// route is where they are asked for. faults hears of what could not be shown.
func (m *metrics) route(faults *log.Logger) api.Route {
	handler := promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog: faults, ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 16, CoalesceGather: true,
	})
	return api.Route{
		Operation: huma.Operation{
			OperationID: "metrics", Method: http.MethodGet, Path: "/metrics", Summary: "What the server has done and holds, for Prometheus",
			Responses: map[string]*huma.Response{"200": {
				Description: "the text format of Prometheus",
				Content:     map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}}},
			}},
		},
		Answer: func(w http.ResponseWriter, r *http.Request, _ words.Language) error {
			handler.ServeHTTP(w, r)
			return nil
		},
	}
}

// described is a metric that is made when somebody asks.
func described(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("fundledger_"+name, help, labels, nil)
}

// ofLedger shows what a ledger has counted.
type ofLedger struct{ ledger *ledger.Ledger }

var (
	eventsAppended = described("events_appended_total", "Events stored and answered for since the server began, by fund.", "fund")
	commands       = described("commands_total", "Commands answered, by what became of them.", "status")
	refusals       = described("refusals_total", "Commands refused or failed, by the code of the receipt.", "code")
	waiting        = described("commands_waiting", "Commands in the queues, not yet decided.")
	answerSeconds  = described("answer_duration_seconds", "Time from submitting a command to its receipt.")
	commitSeconds  = described("commit_duration_seconds", "Time from sending a block of events to the store to its acknowledgement, on disk.")
	blockEvents    = described("block_events", "Events in each block that was acknowledged.")
	blockBytes     = described("block_size_bytes", "Size of each block that was acknowledged.")
	blocksFailed   = described("blocks_unacknowledged_total", "Blocks sent and not acknowledged: another writer was faster, or the store could not be reached.")
)

func (ofLedger) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{eventsAppended, commands, refusals, waiting, answerSeconds, commitSeconds, blockEvents, blockBytes, blocksFailed} {
		to <- d
	}
}

func (m ofLedger) Collect(to chan<- prometheus.Metric) {
	c := m.ledger.Counts()
	count := func(d *prometheus.Desc, n uint64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	for fund, n := range c.Appended {
		count(eventsAppended, n, string(fund))
	}
	// What has not happened yet is 0 and not absent: else the first of a kind would be no increase.
	for _, s := range []ledger.Status{ledger.Appended, ledger.Duplicate, ledger.Refused, ledger.NotTried, ledger.Failed} {
		count(commands, c.Answered[s], string(s))
	}
	for _, codes := range [][]events.Code{events.Refusals, events.Failures, {events.Tampered}} {
		for _, code := range codes {
			count(refusals, c.Codes[code], string(code))
			delete(c.Codes, code)
		}
	}
	for code, n := range c.Codes {
		count(refusals, n, string(code))
	}
	to <- prometheus.MustNewConstMetric(waiting, prometheus.GaugeValue, float64(c.Waiting))
	to <- histogram(answerSeconds, c.Answer)
	to <- histogram(commitSeconds, c.Commit)
	to <- histogram(blockEvents, c.BlockEvents)
	to <- histogram(blockBytes, c.BlockBytes)
	count(blocksFailed, c.Unacknowledged)
}

func histogram(d *prometheus.Desc, s ledger.Spread) prometheus.Metric {
	upTo, n := map[float64]uint64{}, uint64(0)
	for i, bound := range s.Bounds {
		n += s.Counts[i]
		upTo[bound] = n
	}
	return prometheus.MustNewConstHistogram(d, n+s.Counts[len(s.Bounds)], s.Sum, upTo)
}

// ofBooks shows how far the books are and what they hold. Whoever asks does not wait for a book: one that is not loaded begins to be, and is left out meanwhile.
type ofBooks struct {
	books *live.Books

	mu sync.Mutex
	// shown is what each fund came to when it was asked last. Where nothing has been appended since, nothing is added up.
	shown map[events.Fund]shown
}

type shown struct {
	cut     live.Cut
	metrics []prometheus.Metric
}

var (
	reachable  = described("store_reachable", "Whether the store could be asked what funds there are: 1 or 0.")
	readState  = described("fund_reading_state", "How the reading of a fund stands: 1 for the state that it is in. Balances are shown of those that are following or unreachable.", "fund", "state")
	readEvents = described("fund_events", "Number of the last event that the balances of a fund count.", "fund")
	following  = described("live_clients", "Clients of the live feeds, by kind of feed.", "feed")
	readLag    = described("fund_lag_events", "Events of a fund that are in its log and not yet counted.", "fund")

	ofYear     = []string{"fund", "year", "currency"}
	yearClosed = described("year_closed", "Whether a fund's year is closed: 1 or 0.", ofYear...)
	yearRate   = described("year_execution_ratio", "Execution rate of a fund's year: spent over the adjusted budget, 1 being all of it. Absent without a budget.", ofYear...)
	// yearMoney are the measures that are shown of a year, under the names that they have everywhere.
	yearMoney = []yearMeasure{
		ofMeasure(events.Original, "Original budget"),
		ofMeasure(events.AdjustedM, "Adjusted budget"),
		ofMeasure(events.AllottedM, "Authority passed on to others"),
		ofMeasure(events.SpentM, "Spent, less what came back"),
		ofMeasure(events.CommittedM, "Committed and not yet paid"),
		ofMeasure(events.LapsedM, "Unspent authority taken back"),
		ofMeasure(events.CarriedOutM, "Carried over to another year"),
		ofMeasure(events.AvailableM, "Available: adjusted less spent, committed, lapsed and carried over"),
		ofMeasure(events.InTransitM, "Sent to lower treasuries and not yet received by enterprises"),
		ofMeasure(events.SuspenseM, "Money that came in and is not identified"),
	}
)

type yearMeasure struct {
	measure events.Measure
	desc    *prometheus.Desc
}

func ofMeasure(m events.Measure, help string) yearMeasure {
	return yearMeasure{m, described("year_"+string(m), help+", of a fund's year, in the currency's unit.", ofYear...)}
}

func (*ofBooks) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{reachable, following, readState, readEvents, readLag, yearClosed, yearRate} {
		to <- d
	}
	for _, m := range yearMoney {
		to <- m.desc
	}
}

// surveyPatience is how long the store may take to say what funds there are.
const surveyPatience = 2 * time.Second

func (m *ofBooks) Collect(to chan<- prometheus.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), surveyPatience)
	defer cancel()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	clients := m.books.Clients()
	gauge(following, float64(clients.Balances), "balances")
	gauge(following, float64(clients.Events), "events")
	gauge(following, float64(clients.Overview), "overview")
	before := m.shown
	m.shown = map[events.Fund]shown{}
	err := m.books.Survey(ctx, func(s live.Status, b *projections.Book) {
		fund := string(s.Fund)
		for _, state := range []live.State{live.Loading, live.Following, live.Unreachable, live.StoppedHere} {
			gauge(readState, oneIf(state == s.State), fund, string(state))
		}
		gauge(readEvents, float64(s.Seq), fund)
		gauge(readLag, float64(s.Lag()), fund)
		if b == nil {
			return
		}
		was := before[s.Fund]
		if was.cut != s.Cut {
			was = shown{s.Cut, yearsOf(b)}
		}
		m.shown[s.Fund] = was
	})
	gauge(reachable, oneIf(err == nil))
	for _, s := range m.shown {
		for _, metric := range s.metrics {
			to <- metric
		}
	}
}

func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// yearsOf makes the metrics of a fund's years. What does not exist, such as a rate where budgets are not known, has none.
func yearsOf(b *projections.Book) (all []prometheus.Metric) {
	h := b.History()
	unit := math.Pow10(h.Decimals())
	for _, n := range h.Years() {
		labels := []string{string(h.Fund()), n.String(), h.Currency()}
		y, err := h.Year(n)
		if err != nil {
			return append(all, prometheus.NewInvalidMetric(yearClosed, err))
		}
		balances, err := h.Balances(y, projections.Query{Year: n})
		if err != nil {
			all = append(all, prometheus.NewInvalidMetric(yearClosed, err))
			continue
		}
		gauge := func(d *prometheus.Desc, v float64) {
			all = append(all, prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...))
		}
		gauge(yearClosed, oneIf(y.Closed))
		for _, m := range yearMoney {
			if y.Budgeted || m.measure != events.AdjustedM && m.measure != events.AvailableM {
				gauge(m.desc, float64(balances[0].Of(m.measure))/unit)
			}
		}
		if rate, err := strconv.ParseFloat(balances[0].Rate("")+"e-2", 64); err == nil && y.Budgeted { // over nothing there is none
			gauge(yearRate, rate)
		}
	}
	return all
}
