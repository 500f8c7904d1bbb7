package events

import "runtime/debug"

// Program names the program for those who keep what it has made of a log, so that another one, which may make something else of it, does not take that up: the
// rules, and which build it is. Two builds of changed files that were not committed have one name.
var Program = func() string {
	name := Seq(Rules).String()
	if info, ok := debug.ReadBuildInfo(); ok {
		name += " " + info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" || s.Key == "vcs.modified" {
				name += " " + s.Value
			}
		}
	}
	return name
}()
