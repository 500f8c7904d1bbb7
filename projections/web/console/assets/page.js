// Getting a page again and putting in what has changed. The server draws everything; here parts of a page are exchanged for those of a newer one.

let running = null;

// where is the address of what the page shows or is about to: its own, but for the moment in which that has not followed the clocks yet.
let where = () => location.href;
export function stands(at) { where = at; }

// renew asks for a page and puts its parts in the place of those that differ. Only the newest request counts: one that is under way is given up.
// It returns the document that came, or null where another took over. Where somebody moves through time, changes are not shown as news: quiet. What is passing, since
// another will follow it, comes without what is for paper alone.
export async function renew(address = where(), {quiet = false, passing = false} = {}) {
  running?.abort();
  const mine = running = new AbortController();
  try {
    const headers = {Accept: 'text/html', ...passing && {Prefer: 'return=minimal'}};
    const answer = await fetch(address, {headers, signal: mine.signal, cache: passing ? 'no-store' : 'no-cache'});
    const type = answer.headers.get('Content-Type') ?? '';
    if (!type.startsWith('text/html')) throw new Error(String(answer.status));
    const [page, foot] = parsed(await answer.text());
    if (mine !== running) return null;
    // A page that says why there is nothing to show has nothing for one that shows something.
    if (document.querySelector('.problem') || !page.querySelector('.problem')) exchange(page, {quiet, passing});
    if (foot) {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(foot);
      document.adoptedStyleSheets = [sheet];
    }
    return page;
  } catch (error) {
    if (error.name === 'AbortError') return null;
    throw error;
  } finally {
    if (mine === running) running = null;
  }
}

// parsed makes a page of its text, and returns beside it the style that the page names by its hash, which is none that this one's policy lets in: the foot of printed pages.
export function parsed(text) {
  let foot = '';
  const rest = text.replace(/<style>([^<]*)<\/style>/, (_, style) => (foot = style, ''));
  return [new DOMParser().parseFromString(rest, 'text/html'), foot];
}

// exchange puts the parts of another page in the place of this one's, and shows which cells have changed, unless it should be quiet. What is the same stays where
// it is: what is focused, how far a table is scrolled, what is opened. Who waits for that is told whether another page will follow at once.
export function exchange(page, {quiet = false, passing = false} = {}) {
  const known = page.body.dataset.seq;
  if (known) document.body.dataset.seq = known;
  for (const part of document.querySelectorAll('[data-part]')) {
    const other = page.querySelector(`[data-part="${part.dataset.part}"]`);
    if (!other) continue;
    const focused = part.contains(document.activeElement) ? place(part, document.activeElement) : null;
    patch(part, other, quiet ? null : flash);
    const here = document.querySelector(`[data-part="${part.dataset.part}"]`);
    if (focused && !here.contains(document.activeElement)) find(here, focused)?.focus({preventScroll: true});
  }
  document.dispatchEvent(new CustomEvent('exchanged', {detail: {passing}}));
}

// What scripts have set, or somebody has opened, is not the server's.
const ours = new Set(['open', 'tabindex', 'role', 'aria-label']);

// patch makes an element what another is, and tells seen of each cell that says something else. A table whose rows are others is taken over whole.
function patch(old, now, seen) {
  if (old.nodeType === Node.TEXT_NODE && now.nodeType === Node.TEXT_NODE) {
    if (old.data === now.data) return;
    old.data = now.data;
    const cell = seen && old.parentElement.closest('td, th');
    if (cell) seen(cell);
    return;
  }
  if (old.isEqualNode(now)) return;
  if (old.nodeName !== now.nodeName || old.childNodes.length !== now.childNodes.length) {
    const rows = old.nodeName === 'TBODY' && now.nodeName === 'TBODY';
    const before = rows && seen ? cells(old) : null;
    const fresh = document.importNode(now, true);
    old.replaceWith(fresh);
    if (before?.size > 0) {
      for (const [key, cell] of cells(fresh)) {
        if (before.get(key)?.textContent !== cell.textContent) seen(cell);
      }
    } else if (seen && !rows && fresh.nodeType === Node.ELEMENT_NODE) {
      const cell = fresh.closest('td, th');
      if (cell) seen(cell);
    }
    return;
  }
  if (old.nodeType === Node.ELEMENT_NODE) {
    for (const name of old.getAttributeNames()) {
      if (!now.hasAttribute(name) && !ours.has(name)) old.removeAttribute(name);
    }
    for (const name of now.getAttributeNames()) {
      const value = now.getAttribute(name);
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
  }
  for (let a = old.firstChild, b = now.firstChild; a && b;) {
    const [x, y] = [a, b];
    a = a.nextSibling;
    b = b.nextSibling;
    patch(x, y, seen);
  }
}

// cells are the cells of a table's rows by what they are called: row and column.
function cells(rows) {
  const all = new Map();
  for (const row of rows.rows) {
    const called = (row.querySelector('th')?.textContent ?? '') + '|' + (row.cells[0]?.textContent ?? '');
    for (const cell of row.cells) {
      let key = `${called}|${cell.cellIndex}`;
      while (all.has(key)) key += '+';
      all.set(key, cell);
    }
  }
  return all;
}

// flash shows for a moment that a cell has changed.
function flash(cell) {
  cell.classList.add('changed');
  setTimeout(() => {
    cell.classList.remove('changed');
    if (!cell.className) cell.removeAttribute('class');
  }, 2500);
}

// place and find name an element by its id, or by what it is and the how-manieth of those.
function place(part, element) {
  if (element.id) return {id: element.id};
  const all = [...part.querySelectorAll(element.tagName)];
  return {tag: element.tagName, at: all.indexOf(element), href: element.getAttribute('href')};
}

function find(part, {id, tag, at, href}) {
  if (id) return document.getElementById(id);
  if (href) {
    const same = [...part.querySelectorAll(tag)].find((other) => other.getAttribute('href') === href);
    if (same) return same;
  }
  return part.querySelectorAll(tag)[at];
}
