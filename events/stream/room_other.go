//go:build !(linux || darwin)

package stream

// checkRoom knows nothing of the disk here.
func checkRoom(string, int) error { return nil }
