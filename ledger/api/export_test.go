package api

import (
	"time"

	"fundledger/events"
)

// Deaf ends taking callers' requests; those that others pass on are still taken.
func (s *Service) Deaf() {
	if err := s.service.Stop(); err != nil {
		panic(err)
	}
	if err := s.nc.Flush(); err != nil {
		panic(err)
	}
}

// Hold keeps a fund's requests from being read and lets no more than so many wait, until it is released.
func (s *Service) Hold(fund events.Fund, limit int) (release func()) {
	s.intake.mu.Lock()
	s.intake.limit = limit
	s.intake.mu.Unlock()
	rt := s.router.route(fund)
	rt.mu.Lock()
	return rt.mu.Unlock
}

// Name is what a replica is called in a lease.
func (s *Service) Name() string { return s.router.leases.self }

// Idle returns how to share with another time after which a fund is given back.
func (o Sharing) Idle(d time.Duration) Sharing {
	o.idle = d
	return o
}
