// Package desk is what somebody at a desk needs to write commands by hand: it reads amounts and dates as people write them, knows which fields a kind asks for and
// under which flags, and makes commands of the answers. It decides nothing and knows no ledger, no clock and no terminal.
package desk
