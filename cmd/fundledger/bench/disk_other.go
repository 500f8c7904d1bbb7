//go:build !linux

package bench

import "os"

// datasync has the disk keep what was written to a file.
func datasync(f *os.File) error { return f.Sync() }

// syncAll does nothing where there is no way to.
func syncAll() {}

// inMemory reports whether a folder is known to be in memory.
func inMemory(string) bool { return false }
