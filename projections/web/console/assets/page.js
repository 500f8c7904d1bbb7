// Getting a page again and putting in what has changed. The server draws everything; here parts of a page are exchanged for those of a newer one.

let running = null;

// renew asks for a page and puts its parts in the place of those that differ. Only the newest request counts: one that is under way is given up.
// It returns the document that came, or null where another took over.
export async function renew(address = location.href) {
  running?.abort();
  const mine = running = new AbortController();
  try {
    const answer = await fetch(address, {headers: {Accept: 'text/html'}, signal: mine.signal, cache: 'no-cache'});
    const type = answer.headers.get('Content-Type') ?? '';
    if (!type.startsWith('text/html')) throw new Error(String(answer.status));
    let foot = '';
    // A style that another page names by its hash is none that this one lets in. What it says is taken over otherwise: the foot of printed pages.
    const text = (await answer.text()).replace(/<style>([^<]*)<\/style>/, (_, style) => (foot = style, ''));
    const page = new DOMParser().parseFromString(text, 'text/html');
    if (mine !== running) return null;
    exchange(page);
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

// exchange puts the parts of another page in the place of this one's. What is focused and how far a table is scrolled stay.
export function exchange(page) {
  const known = page.body.dataset.seq;
  if (known) document.body.dataset.seq = known;
  for (const part of document.querySelectorAll('[data-part]')) {
    const other = page.querySelector(`[data-part="${part.dataset.part}"]`);
    if (!other || other.innerHTML === part.innerHTML) continue;
    const before = cells(part);
    const scrolled = [...part.querySelectorAll('.scroll')].map((box) => [box.scrollLeft, box.scrollTop]);
    const focused = part.contains(document.activeElement) ? place(part, document.activeElement) : null;
    part.innerHTML = other.innerHTML;
    part.querySelectorAll('.scroll').forEach((box, i) => {
      if (scrolled[i]) [box.scrollLeft, box.scrollTop] = scrolled[i];
    });
    for (const button of part.querySelectorAll('[data-print]')) button.hidden = false;
    if (focused) find(part, focused)?.focus({preventScroll: true});
    for (const [key, cell] of cells(part)) {
      const old = before.get(key);
      if (old && old.textContent !== cell.textContent) flash(cell);
      else if (!old && before.size > 0) flash(cell);
    }
  }
  document.dispatchEvent(new Event('exchanged'));
}

// cells are the cells of a part's tables by what they are called: table, row and column.
function cells(part) {
  const all = new Map();
  part.querySelectorAll('table').forEach((table, t) => {
    for (const row of table.tBodies[0]?.rows ?? []) {
      const called = (row.querySelector('th')?.textContent ?? '') + '|' + (row.cells[0]?.textContent ?? '');
      for (const cell of row.cells) {
        let key = `${t}|${called}|${cell.cellIndex}`;
        while (all.has(key)) key += '+';
        all.set(key, cell);
      }
    }
  });
  return all;
}

// flash shows for a moment that a cell has changed.
function flash(cell) {
  cell.classList.add('changed');
  setTimeout(() => cell.classList.remove('changed'), 2500);
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
