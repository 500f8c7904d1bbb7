// One connection for all pages of the console that are open. A browser gives a host six; with a feed for each page the seventh page would wait for ever.
// Pages say hello and goodbye; they are told how the connection is and up to which event each fund has come.

const pages = new Set();
const funds = new Map();
let feed = null, state = 'waiting', again = 0;

export function hello(page) {
  pages.add(page);
  if (!feed) begin();
  page.postMessage({state, funds: Object.fromEntries(funds)});
}

export function goodbye(page) {
  pages.delete(page);
  if (pages.size === 0) end();
}

function tell(message) {
  for (const page of pages) page.postMessage(message);
}

function begin() {
  clearTimeout(again);
  feed = new EventSource('/v1/live');
  feed.onopen = () => tell({state: state = 'live'});
  feed.onerror = () => {
    tell({state: state = 'lost'});
    if (feed?.readyState !== EventSource.CLOSED) return; // it tries again by itself
    feed = null;
    again = setTimeout(begin, 2000);
  };
  for (const name of ['state', 'change']) {
    feed.addEventListener(name, (event) => {
      const moved = {};
      for (const {fund, seq} of JSON.parse(event.data).funds) {
        funds.set(fund, seq);
        moved[fund] = seq;
      }
      tell({funds: moved});
    });
  }
}

function end() {
  clearTimeout(again);
  feed?.close();
  feed = null;
  state = 'waiting';
  funds.clear();
}
