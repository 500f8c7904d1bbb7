package bench

import (
	"os"
	"syscall"
)

// datasync has the disk keep what was written to a file.
func datasync(f *os.File) error { return syscall.Fdatasync(int(f.Fd())) }

// syncAll has the disks write what is still to be written, whoever wrote it.
func syncAll() { syscall.Sync() }

// tmpfs is the magic number of file systems in memory (linux/magic.h).
const tmpfs = 0x01021994

// inMemory reports whether a folder is in memory, where syncing costs nothing.
func inMemory(dir string) bool {
	var s syscall.Statfs_t
	return syscall.Statfs(dir, &s) == nil && s.Type == tmpfs
}
