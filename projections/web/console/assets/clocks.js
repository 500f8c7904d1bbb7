// Moving the two clocks: sliders for business dates and for numbers of events, and playing them forward. What is shown always stands in the address.
import {renew, stands} from './page.js';

const day = 86400000;
const frame = 100; // milliseconds between two moments that are played
const frames = 150; // for all of a slider
const absent = 2000; // milliseconds until a server that is not there is asked again
const drawn = 500; // milliseconds after which a page has been drawn
const settled = 400; // milliseconds between two changes of the address: browsers refuse more than a hundred in half a minute; and after which clocks stand still

export function clocks() {
  const form = document.querySelector('[data-clocks]');
  if (!form) return;
  const {body} = document;
  const days = form.querySelector('[data-days]'), date = form.querySelector('[data-date]'), pick = form.querySelector('[data-pick]'), daySaid = form.querySelector('[data-day-said]'), dayBrief = form.querySelector('[data-day-brief]');
  const numbers = form.querySelector('[data-numbers]'), number = form.querySelector('[data-number]'), knownBrief = form.querySelector('[data-known-brief]');
  const knownSaid = () => form.querySelector('[data-known-said]');
  const words = form.dataset;
  const first = Date.parse(words.first), yearFrom = Date.parse(words.from), yearTo = Date.parse(words.to);
  const status = document.querySelector('[data-said]');
  // Where the clocks stand: a field has that and, while somebody types, what is to become of it.
  let asOf = date.value, known = number.value;
  let playing = null, coming = null, again = false, settling = 0, moved = 0, retrying = 0;

  const iso = (ms) => new Date(ms).toISOString().slice(0, 10);
  const on = (text) => (/^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : NaN);
  const fill = (text, of) => text.replace(/\{(\w+)\}/g, (_, name) => of[name]);

  // sayDay says where the slider of dates stands. The last day of the year is one thing, no limit another; of what is no date the server says it.
  const sayDay = () => {
    const at = on(asOf);
    let text = asOf ? '' : words.noLimit;
    if (at < yearFrom) text = fill(words.before, {date: asOf});
    else if (at === yearTo) text = fill(words.lastDay, {date: asOf});
    else if (at > yearTo) text = fill(words.after, {date: asOf, n: Math.round((at - yearTo) / day)});
    else if (!Number.isNaN(at)) text = fill(words.day, {date: asOf, n: Math.round((at - yearFrom) / day) + 1, all: Math.round((yearTo - yearFrom) / day) + 1});
    daySaid.textContent = text;
    dayBrief.textContent = asOf || words.any;
    days.setAttribute('aria-valuetext', text);
  };

  // sayKnown says where the slider of numbers stands, where there is little room.
  const sayKnown = () => {
    knownBrief.textContent = `${numbers.value}/${numbers.max}`;
  };

  // newest has the slider of numbers end at the newest event, and stay there where it stood there.
  const newest = (n) => {
    words.newest = numbers.max = n;
    number.placeholder = n;
    if (!known && !playing) numbers.value = n;
    sayKnown();
  };

  const address = () => {
    const here = new URL(location.href);
    for (const [name, value] of [[date.name, asOf], [number.name, known]]) {
      if (value) here.searchParams.set(name, value);
      else here.searchParams.delete(name);
    }
    return here.href;
  };

  // move shows where the clocks have been moved to.
  const move = () => {
    moved = performance.now();
    settling ||= setTimeout(settle, settled);
    if (known) body.removeAttribute('data-live');
    show();
  };

  // settle puts what is shown into the address, and where the clocks stand still gets what is for paper too.
  const settle = () => {
    settling = 0;
    if (address() !== location.href) history.replaceState(null, '', address());
    if (performance.now() - moved < settled / 2) settling = setTimeout(settle, settled);
    else show();
  };
  stands(() => (settling ? address() : location.href));

  const stand = () => `${asOf} ${known}`;
  let shown = stand();

  // show renews the page for where the clocks stand. One request is under way at a time; where they moved on meanwhile, or news took it over, another follows it.
  const show = () => {
    if (coming) again = true;
    else coming = come();
  };
  const come = async () => {
    clearTimeout(retrying);
    do {
      again = false;
      try {
        const at = stand();
        const page = await renew(address(), {quiet: true, passing: settling !== 0});
        if (page) {
          accept(page);
          shown = at;
        } else again = true;
      } catch { // the status says that the server is not there; of a fixed page no news tells when it is back
        if (!body.dataset.live) retrying = setTimeout(show, absent);
        again = false;
      }
    } while (again);
    coming = null;
  };
  addEventListener('pageshow', ({persisted}) => { if (persisted && shown !== stand()) show(); });

  // What is pressed while the page for where the clocks stand is still to come would be of where they stood, and what is printed would lack what is for paper. It is
  // pressed again when that page has come. A link may be another by then, or stand elsewhere: it is known by what it has beside the clocks.
  const press = (event) => {
    const pressed = event.target.closest?.('a[href], [data-print], [data-copy]');
    if (!pressed || form.contains(pressed) || event.button > 1) return;
    if (settling) {
      clearTimeout(settling);
      moved = -Infinity;
      settle();
    }
    if (!coming || shown === stand() && pressed.dataset.print === undefined) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    stop();
    const was = pressed.hasAttribute('href') && bare(pressed);
    coming.then(() => {
      const now = was && [pressed, ...document.querySelectorAll('a[href]')].find((link) => link.isConnected && bare(link) === was);
      (now || pressed).dispatchEvent(new MouseEvent(event.type, event));
    });
  };
  const bare = (link) => {
    const to = new URL(link.getAttribute('href'), location.href);
    for (const {name} of [date, number]) to.searchParams.delete(name);
    return to.href;
  };
  for (const type of ['click', 'auxclick']) document.addEventListener(type, press, true);

  // accept takes over what belongs to the page as a whole.
  const accept = (page) => {
    const problem = page.querySelector('.problem p');
    form.toggleAttribute('data-wrong', Boolean(problem));
    if (problem) { // what was typed is no moment, or none of this log; the page stays as it was
      knownSaid().textContent = problem.textContent;
      stop();
      return;
    }
    const feed = page.body.dataset.live;
    if (feed) body.dataset.live = feed;
    else body.removeAttribute('data-live');
    const last = page.querySelector('[data-clocks]')?.dataset.newest;
    if (last) newest(last);
    if (document.activeElement !== numbers && !playing) numbers.value = known ? body.dataset.seq : numbers.max;
    sayKnown();
    if (!feed) {
      const fixed = page.querySelector('[data-said]')?.textContent;
      if (fixed) status.textContent = fixed;
    }
    document.dispatchEvent(new Event('moved'));
  };

  // The slider of dates has one place more than days: at its end there is no limit.
  const setDays = (n) => {
    date.value = asOf = n >= Number(days.max) ? '' : iso(first + n * day);
    days.value = n;
    sayDay();
    move();
  };
  const setNumbers = (n) => {
    number.value = known = n >= Number(numbers.max) ? '' : String(n);
    numbers.value = n;
    numbers.setAttribute('aria-valuetext', fill(words.known, {n, all: numbers.max}));
    sayKnown();
    move();
  };

  days.addEventListener('input', () => { stop(); setDays(Number(days.value)); });
  numbers.addEventListener('input', () => { stop(); setNumbers(Number(numbers.value)); });
  // Arrows are a day or an event; pages are a month, or a hundredth of the events.
  const pages = (slider, set, to) => slider.addEventListener('keydown', (event) => {
    const way = {PageUp: 1, PageDown: -1}[event.key];
    if (!way) return;
    event.preventDefault();
    stop();
    set(Math.min(Number(slider.max), Math.max(Number(slider.min), to(Number(slider.value), way))));
  });
  pages(days, setDays, (n, way) => {
    const at = new Date(first + n * day), wanted = at.getUTCDate();
    at.setUTCDate(1);
    at.setUTCMonth(at.getUTCMonth() + way);
    const last = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 0)).getUTCDate();
    at.setUTCDate(Math.min(wanted, last));
    return Math.round((at - first) / day);
  });
  pages(numbers, setNumbers, (n, way) => n + way * Math.max(1, Math.round(Number(numbers.max) / 100)));
  date.addEventListener('change', () => {
    stop();
    date.value = asOf = date.value.trim();
    const at = on(asOf);
    if (!Number.isNaN(at)) days.value = Math.min(Number(days.max) - 1, Math.round((at - first) / day));
    else if (!asOf) days.value = days.max;
    sayDay();
    move();
  });
  // The field that opens a calendar takes a browser as long to make as a tenth of the page.
  setTimeout(() => { pick.hidden = false; }, drawn);
  pick.addEventListener('focus', () => { pick.value = date.value; });
  pick.addEventListener('change', () => {
    date.value = pick.value;
    date.dispatchEvent(new Event('change'));
  });
  number.addEventListener('change', () => {
    stop();
    known = number.value;
    if (/^\d*$/.test(known)) numbers.value = known || numbers.max;
    sayKnown();
    move();
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    move(); // what was typed has been taken: a field changes before its form is sent
  });
  form.querySelector('[data-now]').addEventListener('click', (event) => {
    event.preventDefault();
    stop();
    date.value = number.value = asOf = known = '';
    days.value = days.max;
    numbers.value = numbers.max;
    sayDay();
    sayKnown();
    move();
  });
  // Where the page is renewed, there may be more events, and the words beside the slider of numbers say when the one shown was recorded.
  document.addEventListener('exchanged', () => {
    if (body.dataset.live && !known && !coming) newest(body.dataset.seq);
    if (!again) numbers.setAttribute('aria-valuetext', knownSaid().textContent);
  });
  sayDay();
  sayKnown();
  numbers.setAttribute('aria-valuetext', knownSaid().textContent);

  // Where there is little room the sliders alone are seen, and the rest when it is asked for.
  const rest = form.querySelector('[data-rest]');
  rest.addEventListener('click', () => rest.setAttribute('aria-expanded', String(form.toggleAttribute('data-whole'))));

  // Playing forward: through all of a slider in some seconds, from its beginning where it stands at its end.
  const name = (button, word) => {
    button.textContent = word;
    button.setAttribute('aria-label', word + ' ' + button.dataset.of);
  };
  const stop = () => {
    if (!playing) return;
    clearInterval(playing.timer);
    name(playing.button, words.play);
    playing = null;
  };
  for (const button of form.querySelectorAll('[data-play]')) {
    button.addEventListener('click', () => {
      const mine = playing?.button === button;
      stop();
      if (mine) return;
      const [slider, set] = button.dataset.play === 'days' ? [days, setDays] : [numbers, setNumbers];
      const least = Number(slider.min), most = Number(slider.max);
      let at = Number(slider.value) >= most ? least : Number(slider.value);
      const step = Math.max(1, Math.round((most - least) / frames));
      name(button, words.pause);
      set(at);
      playing = {button, timer: setInterval(() => {
        if (again) return; // the one that is under way has not come yet
        at = Math.min(most, at + step);
        set(at);
        if (at >= most) stop();
      }, frame)};
    });
  }
}
