// Renewing the page when there is news of what it is about.
import {renew} from './page.js';

const pauseLeast = 250; // milliseconds between two renewals: more often no eye follows

export function follow() {
  const {body} = document;
  const status = document.querySelector('[data-status]');
  const said = document.querySelector('[data-said]');
  const funds = new Map(); // as a page of all funds has been shown them
  let state = '', news = false, busy = false, renewed = 0;

  const say = () => {
    if (!body.dataset.live) return;
    status.dataset.state = state;
    const words = {live: body.dataset.saidLive, lost: body.dataset.saidLost}[state];
    if (words && said.textContent !== words) said.textContent = words;
  };

  const go = async () => {
    if (busy || !news || !body.dataset.live) return;
    busy = true;
    await new Promise((done) => setTimeout(done, Math.max(0, renewed + pauseLeast - performance.now())));
    news = false;
    renewed = performance.now();
    try {
      await renew();
    } catch {
      news = true; // the feed tells when the server is back
      busy = false;
      return;
    }
    busy = false;
    go();
  };

  const heard = ({data}) => {
    if (data.state && data.state !== 'waiting') {
      state = data.state;
      say();
    }
    for (const [fund, seq] of Object.entries(data.funds ?? {})) {
      const all = body.dataset.live === '*';
      if (all ? funds.get(fund) !== seq : body.dataset.live === fund && seq !== Number(body.dataset.seq)) news = true;
      funds.set(fund, seq);
    }
    if (state === 'live') go();
  };

  const [come, leave] = connection(heard);
  come();
  addEventListener('pagehide', leave);
  addEventListener('pageshow', (event) => { if (event.persisted) come(); });

  document.addEventListener('moved', () => { // the clocks may have fixed the page, or let it go
    if (!body.dataset.live) delete status.dataset.state;
    say();
    if (body.dataset.live && body.dataset.live !== '*' && funds.has(body.dataset.live) && funds.get(body.dataset.live) !== Number(body.dataset.seq)) {
      news = true;
      go();
    }
  });
}

// connection returns what says hello and goodbye to the feed, which calls heard. Some browsers on telephones have no worker that pages share: there the page has a
// connection of its own.
function connection(heard) {
  if (typeof SharedWorker === 'undefined') {
    const page = {postMessage: (data) => heard({data})};
    const feed = import('./feed.js');
    return [() => feed.then(({hello}) => hello(page)), () => feed.then(({goodbye}) => goodbye(page))];
  }
  const {port} = new SharedWorker(new URL('./shared.js', import.meta.url), {type: 'module', name: 'fundledger'});
  port.onmessage = heard;
  return [() => port.postMessage('hello'), () => port.postMessage('goodbye')];
}
