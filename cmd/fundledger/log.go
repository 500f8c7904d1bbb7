package main

import (
	"context"
	"log"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"
)

// logForms are the forms in which serve keeps a log. Without one it says what people have to know, and nothing of each request.
var logForms = []string{"off", "text", "json"}

// keepLog makes serve keep a log on standard error, from which every line is then a record: what people would be told goes there too.
func (a *app) keepLog(form string) error {
	o := &slog.HandlerOptions{ReplaceAttr: func(groups []string, attr slog.Attr) slog.Attr {
		if len(groups) == 0 && attr.Key == slog.TimeKey { // as events have theirs
			attr.Value = slog.TimeValue(attr.Value.Time().UTC().Truncate(time.Microsecond))
		}
		return attr
	}}
	switch form {
	case "off":
	case "text":
		a.log = slog.New(slog.NewTextHandler(a.stderr, o))
	case "json":
		a.log = slog.New(slog.NewJSONHandler(a.stderr, o))
	default:
		return a.badFlag("log", form, strings.Join(logForms, " "))
	}
	return nil
}

// noteLevels are those of notes that an operator has to look at.
var noteLevels = map[string]slog.Level{
	"serve.held": slog.LevelError, "serve.http-open": slog.LevelWarn, "serve.lost": slog.LevelWarn, "serve.balances-failed": slog.LevelWarn, "serve.reading-stopped": slog.LevelError,
}

// record is [app.note] where there is a log: the name is the message, which is the same in every language, and what people would be told stands beside it.
func (a *app) record(name string, args map[string]string) {
	attrs := []slog.Attr{}
	for _, key := range slices.Sorted(maps.Keys(args)) {
		attrs = append(attrs, slog.String(key, args[key]))
	}
	_, message, _ := strings.Cut(name, ".")
	a.log.LogAttrs(context.Background(), noteLevels[name], message, append(attrs, slog.String("says", a.say(name, args)))...)
}

// faults takes what went wrong inside.
func (a *app) faults() *log.Logger {
	if a.log != nil {
		return slog.NewLogLogger(a.log.Handler(), slog.LevelError)
	}
	return log.New(a.stderr, "fundledger: ", 0)
}
