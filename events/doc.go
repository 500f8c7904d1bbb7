// Package events is the vocabulary of the ledger and the specification of what it stores: kinds, commands, events, value types, postings, and
// the codes in which a command is refused. It does no I/O and reads no clock.
//
// # Commands
//
// A command asks for one event. It is one JSON object (RFC 8259) in UTF-8:
//
//	command = object with the members of its kind (and, for clawed-back, of its cause); see [Fields] and [Required]
//	fund    = [a-z0-9] ( [a-z0-9-]{0,30} [a-z0-9] )?
//	line    = [A-Za-z0-9]+ ( ("." | "-") [A-Za-z0-9]+ )*          at most 32 characters; "0" is the root
//	year    = 1000 to 9990, a JSON number of four digits
//	day     = YYYY "-" MM "-" DD                                  a day of the calendar
//	date    = day | YYYY "-" MM | YYYY | day "/" day              as exact as the paper
//	amount  = whole ( "." [0-9]{1,4} )?                           greater than zero, a JSON string
//	whole   = "0" | [1-9] [0-9]{0,14}
//	number  = "-"? whole ( "." [0-9]{1,8} )?                      a stated figure, kept as written
//	id      = 1 to 128 visible characters, no space, not beginning with "-", compared bytewise
//	ref     = a JSON number (an event's number, from 1) | a JSON string (an id)
//	text    = 1 to 500 characters, not only white space (note: 2,000)
//	dims    = object of at most 16 members: key [a-z_]{1,24}, value 1 to 64 characters
//
// Members may stand in any order. A name that occurs twice at any depth, and bad UTF-8, make the command [Malformed]. A member that the kind does
// not have is an [UnknownField], spelling in another case included; null is never a value. An amount has at most the decimals that ISO 4217
// gives the fund's currency ([Decimals]); until the fund is known, four pass.
//
// A command without an id is given one where it is read ([Key]): a UUIDv5 (RFC 9562, section 5.5) in the namespace
// d850ed6e-cb6a-5ef7-bd1d-77ee78a2ba50 of the command as RFC 8785 JSON, LF, and its ordinal (1, 2 …) among the equal commands of one input. So the
// same file twice posts nothing twice.
//
// # Events as stored
//
// An event is stored as one line: a CloudEvents 1.0.2 object in structured JSON form, without line breaks, at most 65,535 bytes ([MaxLine]), ended
// by LF. [AppendLine] writes its members in this order, without white space of its own:
//
//	specversion  "1.0"
//	id           the command's id, or the one made for it
//	source       "/funds/" fund
//	type         "fundledger." kind ".v1"
//	time         when it was recorded: UTC with six decimals, YYYY-MM-DDTHH:MM:SS.ffffffZ; never earlier than the event before
//	sequence     the event's number in its fund as a string: "1", "2" … without gaps
//	data         an object:
//	  command      byte for byte as received; line breaks between tokens are removed before anything else is done with it
//	  actor        {"id", "role"}: opaque references to who appended it
//	  rules        the version of the rules by which it was decided ([Rules])
//	  flags        list of codes                                           optional
//	  of, commitment, against, settles      the events named, as numbers   optional
//	  covers, sum_of, quotient_of           lists of such numbers; in sum_of a negative one is subtracted   optional
//	  line, expires                         what the command left to the ledger                             optional
//	  currency, decimals, zone, from, to    of the year; all five on fund-opened, on nothing else
//	  postings     list                                                    optional
//
// A member that would be empty is left out. Strings are escaped only where JSON demands it: <, > and & stand as they are, and so do Chinese characters.
//
// The members from of to "to" are what the ledger resolved when it decided, under the names that the command uses, so that no later reader has to
// interpret an old event again. A real event, on one line:
//
//	{"specversion":"1.0","id":"1c798b17-28ef-5904-b2ff-96ec98adb8d4","source":"/funds/cd-gx","type":"fundledger.disbursed.v1","time":"2026-11-23T02:11:09.123456Z","sequence":"17","data":{"command":{"kind":"disbursed","fund":"cd-gx","year":2022,"date":"2022-09","line":"1.1","amount":"17387000","channel":"lower-treasury","basis":"stated","mode":"record"},"actor":{"id":"local","role":"operator"},"rules":1,"flags":["over-budget"],"postings":[{"year":2022,"line":"1.1","measure":"disbursed","amount":"17387000.00","date":"2022-09","counts":"2022-09-30","channel":"lower-treasury","basis":"stated"}]}}
//
// # Postings
//
// A posting is what an event does to one measure of one line of one year. Postings are computed once, when the event is decided; every balance, table
// and report is a sum of them ([Totals]). The posting's members, in this order:
//
//	year      number
//	line      the line charged; "0" for the fund as a whole
//	measure   one of [Measures]
//	amount    signed, with exactly the fund's decimals: "-1500000.00"; JPY "1500000"
//	date      the business date, as exact as the paper
//	counts    the day from which it counts; left out where date is that day
//	lot       the carried-over lot that it lies in                         optional
//	channel   one of [Channels]                                            optional
//	basis     one of [Bases]
//	dims      left out where they are the command's; {} says none
//	of_year, of_line   whose spending a recovery gives back; on recovered only
//
// Amounts are summed as int64 in the currency's smallest unit, with checked addition: a sum that would leave int64 is an [Overflow], never a
// wrong figure.
//
// # Blocks
//
// The events that one commit stored form a block: their lines, each with its LF. A block is one message of the fund's stream, with these headers:
//
//	Fundledger-Format   "1"
//	Fundledger-First    number of its first event
//	Fundledger-Count    how many events it holds
//	Fundledger-Root     base64 (RFC 4648, section 4) root of the tree before the block
//	Fundledger-Writer   which decider wrote it
//	Nats-Msg-Id         root of the tree after the block
//
// # What is hashed
//
// The events of a fund, in the order of their numbers, are the leaves of a Merkle tree as RFC 6962, section 2.1 has it, with SHA-256. The input of a leaf is the
// line's bytes as stored, without the LF, and so its hash is SHA-256(0x00 || line). Nothing is ever encoded again in order to be hashed.
//
// # Versions
//
// A new member keeps the version .v1 only if a reader that ignores it computes the same tables; otherwise the type ends in .v2. So [ParseEvent] passes over
// members that it does not know, in the command too, and refuses a kind or a version that it does not know ([UnknownKind]). What it cannot read
// beyond that is [Tampered]. The names approvals and sealed in data are reserved.
//
// # Codes
//
// [Refusals] lists the codes of refusals in their order of precedence: a command with several faults is answered with the first. Each has words in
// English and Chinese (package words); programs match the code, never the words.
package events
