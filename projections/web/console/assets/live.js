// Following the feed that the page names, and renewing the page when it has news.
import {renew} from './page.js';

const pauseLeast = 250; // milliseconds between two renewals: more than an eye follows

export function follow() {
  const {body} = document;
  const status = document.querySelector('[data-status]');
  const said = document.querySelector('[data-said]');
  let feed = null, address = '', news = false, busy = false, renewed = 0;

  const say = (state, words) => {
    status.dataset.state = state;
    if (said.textContent !== words) said.textContent = words;
  };

  const go = async () => {
    if (busy || !news) return;
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

  const heard = (event) => {
    // What the page shows already is no news.
    if (event.lastEventId && Number(event.lastEventId) <= Number(body.dataset.seq)) return;
    news = true;
    go();
  };

  const begin = () => {
    const wanted = body.dataset.live ?? '';
    if (wanted === address) return;
    feed?.close();
    feed = null;
    address = wanted;
    if (!wanted) {
      delete status.dataset.state;
      return;
    }
    const after = wanted.endsWith('/feed') ? `?after=${body.dataset.seq}` : '';
    feed = new EventSource(wanted + after);
    feed.onopen = () => {
      say('live', body.dataset.saidLive);
      if (news) go();
    };
    feed.onerror = () => {
      say('lost', body.dataset.saidLost);
      if (feed.readyState === EventSource.CLOSED) { // refused, or told that it was too slow: from where the page is, on a new connection
        address = '';
        news = true;
        setTimeout(() => { begin(); go(); }, 2000);
      }
    };
    for (const name of ['state', 'change', 'event']) feed.addEventListener(name, heard);
    feed.addEventListener('closed', () => { feed.close(); feed.onerror(); });
  };

  begin();
  document.addEventListener('moved', begin); // the clocks may have fixed the page, or let it go
}
