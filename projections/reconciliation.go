package projections

import (
	"fundledger/events"
	"fundledger/projections/bank"
)

// Reconciliation is what the bank's lines and the events that moved cash have to do with each other in the days from and to of a query. It reads again the events
// that [bank.Concerns] names, and is an [events.UnknownFund] where nothing is known of the fund.
func (b *Book) Reconciliation(q bank.Query) (*bank.Reconciliation, error) {
	if b.Last() == 0 {
		return nil, &events.Error{Code: events.UnknownFund, Args: events.Args{"fund": string(b.history.Fund())}}
	}
	v, err := bank.Of(b.history)
	if err != nil {
		return nil, err
	}
	return bank.Reconcile(v, q)
}
