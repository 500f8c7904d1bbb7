// The console's script: what every page has. Each part of it stands in a module of its own and does nothing on a page that has nothing for it. Pages with forms name the
// modules of those themselves.
import {follow} from './live.js';
import {clocks} from './clocks.js';

const root = document.documentElement;

for (const button of document.querySelectorAll('[data-theme-switch]')) {
  button.addEventListener('click', () => {
    const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    root.dataset.theme = dark ? 'light' : 'dark';
    // The server makes pages as they were chosen to be.
    document.cookie = `fundledger-theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax${location.protocol === 'https:' ? '; secure' : ''}`;
  });
}

document.addEventListener('click', (event) => {
  if (event.target.closest('[data-print]')) print();
  const button = event.target.closest('[data-copy]');
  if (button) copy(new URL(button.dataset.copy, location.href).href);
});

// copy puts an address on the clipboard and says so. Where a browser does not let a page do that, the address is selected for who copies it by hand.
let forget = 0;
async function copy(address) {
  clearTimeout(forget);
  const said = document.querySelector('[data-copied]');
  try {
    await navigator.clipboard.writeText(address);
    said.textContent = said.dataset.yes;
  } catch {
    const field = document.createElement('input');
    field.readOnly = true;
    field.value = address;
    field.setAttribute('aria-label', said.dataset.no);
    said.replaceChildren(said.dataset.no, ' ', field);
    field.select();
    return;
  }
  forget = setTimeout(() => said.replaceChildren(), 4000);
}

// A table that has to be moved to be seen whole, and has no link to come to, is itself come to by Tab. All are measured before any is changed, so that the page is laid
// out once.
const reachable = () => {
  const boxes = [...document.querySelectorAll('.scroll')];
  const moved = boxes.map((box) => box.scrollWidth > box.clientWidth && !box.querySelector('a'));
  for (const [i, box] of boxes.entries()) {
    if (!moved[i]) {
      box.removeAttribute('tabindex');
      continue;
    }
    box.tabIndex = 0;
    box.setAttribute('role', 'region');
    box.setAttribute('aria-label', (box.querySelector('caption .name') ?? document.querySelector('h1')).textContent);
  }
};
document.addEventListener('exchanged', ({detail}) => { if (!detail.passing) reachable(); });
addEventListener('resize', reachable);

follow();
clocks();
reachable();
