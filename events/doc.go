// Package events is the vocabulary of the ledger.
package events
