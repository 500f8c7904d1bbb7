// Filling in a form: what it would do is asked of the server after a pause in typing, and what follows from what was typed is put in. Appending sends the command that was shown.
import {parsed} from './page.js';

const pause = 400; // milliseconds without a key

function desk() {
  const form = document.querySelector('[data-form]');
  document.querySelector('[data-first]')?.focus();
  if (!form) return;
  const tried = document.querySelector('[data-tried]');
  const panel = tried.closest('[data-preview]');
  const errors = form.querySelector('[data-errors]');
  let timer = 0, running = null;

  const fields = () => [...form.elements].filter((field) => field.name && field.type !== 'submit' && field.type !== 'button');
  // untouched: what stands there follows from the fund, and may follow again.
  const untouched = (field) => field.closest('[data-filled]') && field.value === (field.dataset.was ?? initial(field));

  const query = (whole) => {
    const out = new URLSearchParams();
    for (const field of fields()) {
      if (!whole && (field.name === 'id' || untouched(field))) continue;
      if (field.name.endsWith('.line') || field.name.endsWith('.amount')) {
        const [line, amount] = field.closest('[data-leg]').querySelectorAll('[name]');
        if (line.value || amount.value) out.append(field.name, field.value);
      } else if (field.value && !(whole && untouched(field))) out.append(field.name, field.value);
    }
    return out;
  };

  let looked = ''; // what stood in the form when what is shown was asked for
  // stale: what is shown is not what stands in the form any more, so it must not be appended.
  const stale = () => {
    for (const button of tried.querySelectorAll('[data-append]')) button.disabled = true;
  };

  // ask has the server try the form. Asked by a person it leads to what is wrong; else it only shows it.
  const ask = async (person) => {
    stale();
    clearTimeout(timer);
    running?.abort();
    const mine = running = new AbortController();
    const asked = query(true), whole = String(asked);
    asked.set('preview', '1');
    panel.setAttribute('aria-busy', 'true');
    try {
      const answer = await fetch(`${form.getAttribute('action')}?${asked}`, {headers: {Accept: 'text/html'}, signal: mine.signal});
      const [page] = parsed(await answer.text());
      if (mine !== running) return;
      if (!page.querySelector('[data-tried]')) throw new Error(String(answer.status));
      accept(page, person);
      looked = whole;
      history.replaceState(null, '', `${form.getAttribute('action')}?${query(false)}`);
    } catch (error) {
      if (error.name !== 'AbortError' && person) complain(panel.dataset.failed);
    } finally {
      if (mine === running) panel.removeAttribute('aria-busy');
    }
  };

  const accept = (page, person) => {
    for (const other of page.querySelectorAll('[data-field]')) {
      const field = form.querySelector(`[data-field="${other.dataset.field}"]`);
      if (field) renew(field, other);
    }
    const wrong = page.querySelector('[data-errors]');
    if (person || errors.innerHTML !== '') errors.innerHTML = wrong.innerHTML;
    panel.hidden = false;
    tried.innerHTML = page.querySelector('[data-tried]').innerHTML;
    const copy = form.querySelector('[data-copy]');
    if (copy) copy.dataset.copy = page.querySelector('[data-copy]').dataset.copy;
    show();
    if (!person) return;
    const missing = tried.querySelector('[data-missing]')?.dataset.missing.split(' ')[0];
    if (errors.innerHTML) errors.focus();
    else if (missing) document.getElementById(`f-${missing}`)?.focus();
    else tried.querySelector('[data-append]')?.focus();
  };

  // renew takes over what is said of a field, and what it can be. What was typed stays.
  const renew = (field, other) => {
    for (const part of ['[data-said-of]', '[data-offer-of]', '[data-error]', 'datalist']) {
      const a = field.querySelector(part), b = other.querySelector(part);
      if (a && b && a.innerHTML !== b.innerHTML) a.innerHTML = b.innerHTML;
    }
    field.classList.toggle('bad', other.classList.contains('bad'));
    const inputs = field.querySelectorAll('[name]'), others = other.querySelectorAll('[name]');
    inputs.forEach((input, i) => {
      const from = others[i] ?? others[others.length - (input.tagName === 'SELECT' ? 2 : 1)];
      if (!from) return;
      const value = input.value, follows = !value || untouched(input);
      if (input.tagName === 'SELECT' && input.innerHTML !== from.innerHTML) {
        input.innerHTML = from.innerHTML;
        input.value = value;
      }
      if (from.getAttribute('aria-invalid')) input.setAttribute('aria-invalid', 'true');
      else input.removeAttribute('aria-invalid');
      if (follows && document.activeElement !== input && other.dataset.filled !== undefined) {
        input.value = from.value;
        input.dataset.was = from.value;
        field.dataset.filled = '';
      } else if (follows && other.dataset.filled === undefined && field.dataset.filled !== undefined && document.activeElement !== input) {
        input.value = '';
        delete field.dataset.filled;
      }
    });
  };

  const complain = (words, hint) => {
    errors.innerHTML = '';
    for (const [tag, text] of [['p', words], ['p', hint]]) {
      if (!text) continue;
      const line = document.createElement(tag);
      line.textContent = text;
      errors.append(line);
    }
    errors.focus();
  };

  const append = async (button) => {
    clearTimeout(timer);
    button.disabled = true;
    let answer, said;
    try {
      answer = await fetch(button.dataset.append, {
        method: 'POST', body: tried.querySelector('[data-command]').textContent,
        headers: {'Content-Type': 'application/json', 'Accept-Language': document.documentElement.lang},
      });
      said = await answer.json();
    } catch {
      button.disabled = false;
      complain(panel.dataset.failed);
      return;
    }
    const receipts = Array.isArray(said) ? said : [said];
    const last = receipts.at(-1);
    if (answer.ok && receipts.every(({status}) => status === 'appended' || status === 'duplicate')) {
      if (button.dataset.then) {
        location.assign(button.dataset.then);
        return;
      }
      const to = new URL(form.getAttribute('action'), location.href);
      for (const name of ['lang', 'unit']) if (form.elements[name]?.value) to.searchParams.set(name, form.elements[name].value);
      to.searchParams.set('appended', last.seq);
      if (last.status === 'duplicate') to.searchParams.set('again', '1');
      location.assign(to);
      return;
    }
    button.disabled = false;
    const wrong = receipts.find(({status}) => status === 'refused' || status === 'failed') ?? said;
    if (wrong.code !== undefined && answer.status !== 503) await ask(true); // the ledger has moved on: its words stand at the field
    if (!errors.innerHTML) complain(wrong.detail ?? wrong.message, wrong.hint);
  };

  const show = () => {
    for (const hidden of document.querySelectorAll('[data-append], [data-use], [data-copy], [data-picks], [data-more-legs]')) hidden.hidden = false;
  };

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    ask(true);
  });
  form.addEventListener('input', ({target}) => {
    if (target.dataset.picks) return;
    stale();
    clearTimeout(timer);
    timer = setTimeout(() => ask(false), pause);
  });
  form.addEventListener('change', ({target}) => {
    if (target.dataset.picks) {
      const input = document.getElementById(target.dataset.picks);
      input.value = target.value;
    }
    // Leaving a field for the button that appends is a change too; it must not take the button away from under the finger.
    if (String(query(true)) === looked) return;
    stale();
    clearTimeout(timer);
    timer = setTimeout(() => ask(false), target.tagName === 'SELECT' ? 0 : pause);
  });
  document.addEventListener('click', ({target}) => {
    const button = target.closest('button');
    if (!button) return;
    if (button.dataset.append !== undefined) append(button);
    if (button.dataset.use) {
      const input = button.closest('[data-field]').querySelector('[name]');
      input.value = button.dataset.use;
      input.focus();
      ask(false);
    }
    if (button.dataset.moreLegs !== undefined) {
      const legs = button.parentElement.querySelectorAll('[data-leg]');
      const leg = legs[legs.length - 1].cloneNode(true);
      for (const input of leg.querySelectorAll('[name]')) {
        input.value = '';
        input.removeAttribute('id');
      }
      button.before(leg);
      leg.querySelector('select').focus();
    }
  });
  // Where others append meanwhile, it would do something else.
  document.addEventListener('exchanged', () => {
    if (tried.querySelector('[data-append]')) ask(false);
  });
  show();
  if (fields().some((field) => field.value && !field.closest('[data-filled]') && field.type !== 'hidden')) ask(false);
}

function initial(field) {
  if (field.tagName === 'SELECT') return [...field.options].find((option) => option.defaultSelected)?.value ?? '';
  return field.defaultValue;
}

desk();
