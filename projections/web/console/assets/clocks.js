// Moving the two clocks: sliders for dates and for numbers of events, and playing them forward. What is shown always stands in the address.
import {renew} from './page.js';

const day = 86400000;

export function clocks() {
  const form = document.querySelector('[data-clocks]');
  if (!form) return;
  const days = form.querySelector('[data-days]'), date = form.querySelector('[data-date]');
  const numbers = form.querySelector('[data-numbers]'), number = form.querySelector('[data-number]');
  const first = Date.parse(form.dataset.first);
  const status = document.querySelector('[data-said]');
  let playing = null, running = false, again = false;

  for (const hidden of form.querySelectorAll('[hidden]')) hidden.hidden = false;
  form.querySelector('[data-submit]').hidden = true;

  // show renews the page for where the clocks stand. One request is under way at a time; where they moved on meanwhile, another follows it.
  const show = async () => {
    const here = new URL(location.href);
    for (const field of [date, number]) {
      if (field.value) here.searchParams.set(field.name, field.value);
      else here.searchParams.delete(field.name);
    }
    if (here.href !== location.href) history.replaceState(null, '', here);
    if (number.value) document.body.removeAttribute('data-live');
    if (running) {
      again = true;
      return;
    }
    running = true;
    do {
      again = false;
      try {
        const page = await renew();
        if (page) accept(page);
      } catch {
        break; // the status says that the server is not there
      }
    } while (again);
    running = false;
  };

  // accept takes over what belongs to the page as a whole.
  const accept = (page) => {
    const feed = page.body.dataset.live;
    if (feed) document.body.dataset.live = feed;
    else document.body.removeAttribute('data-live');
    const newest = page.querySelector('[data-clocks]')?.dataset.newest;
    if (newest) {
      form.dataset.newest = numbers.max = newest;
      number.placeholder = newest;
      if (!number.value) numbers.value = newest;
    }
    if (!feed) {
      const words = page.querySelector('[data-said]')?.textContent;
      if (words) status.textContent = words;
    }
    for (const link of document.querySelectorAll('a[href]')) keep(link);
    document.dispatchEvent(new Event('moved'));
  };

  // keep puts the clocks into the links that lie outside the parts which were exchanged.
  const keep = (link) => {
    if (link.closest('[data-part]') || link.dataset.now !== undefined) return;
    const to = new URL(link.href);
    if (to.origin !== location.origin || !/^\/funds\/[^/]+\/(years|events)\//.test(to.pathname) && to.pathname !== location.pathname) return;
    for (const field of [date, number]) {
      if (field === date && !/\/years\//.test(to.pathname)) continue;
      if (field.value) to.searchParams.set(field.name, field.value);
      else to.searchParams.delete(field.name);
    }
    link.href = to.pathname + to.search + to.hash;
  };

  const setDays = (n) => {
    const end = n >= Number(days.max);
    date.value = end ? '' : new Date(first + n * day).toISOString().slice(0, 10);
    days.value = n;
    days.setAttribute('aria-valuetext', date.value || days.dataset.end || '');
    show();
  };
  const setNumbers = (n) => {
    const end = n >= Number(numbers.max);
    number.value = end ? '' : String(n);
    numbers.value = n;
    numbers.setAttribute('aria-valuetext', String(n));
    show();
  };

  days.addEventListener('input', () => setDays(Number(days.value)));
  numbers.addEventListener('input', () => setNumbers(Number(numbers.value)));
  date.addEventListener('change', () => {
    if (date.value) days.value = Math.round((Date.parse(date.value) - first) / day);
    else days.value = days.max;
    show();
  });
  number.addEventListener('change', () => {
    numbers.value = number.value || numbers.max;
    show();
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    show();
  });
  form.querySelector('[data-now]').addEventListener('click', (event) => {
    event.preventDefault();
    stop();
    date.value = number.value = '';
    days.value = days.max;
    numbers.value = numbers.max;
    show();
  });

  // Playing forward: through a year in some seconds, from the beginning where the end is reached.
  const stop = () => {
    if (!playing) return;
    clearInterval(playing.timer);
    playing.button.setAttribute('aria-pressed', 'false');
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
      const step = Math.max(1, Math.round((most - least) / 120));
      button.setAttribute('aria-pressed', 'true');
      playing = {button, timer: setInterval(() => {
        at = Math.min(most, at + step);
        set(at);
        if (at >= most) stop();
      }, 100)};
    });
  }
}
