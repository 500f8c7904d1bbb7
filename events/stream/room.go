//go:build linux || darwin

package stream

import "syscall"

// roomSpare is what a disk must have left beyond a block: for the broker's own files, and for reading and stopping in order.
const roomSpare = 1 << 20

// checkRoom returns an error where the disk of a folder has no room for so many bytes more. The broker does not say so: it answers nothing, and
// after a while nobody knows whether the block was stored.
func checkRoom(dir string, bytes int) error {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return err
	}
	if free := s.Bavail * uint64(s.Bsize); free < uint64(bytes)+roomSpare {
		return syscall.ENOSPC
	}
	return nil
}
