// The console's script: what every page has. Each part of it stands in a module of its own and does nothing on a page that has nothing for it.
import {follow} from './live.js';
import {clocks} from './clocks.js';

const root = document.documentElement;

for (const button of document.querySelectorAll('[data-theme-switch]')) {
  button.hidden = false;
  button.addEventListener('click', () => {
    const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    root.dataset.theme = dark ? 'light' : 'dark';
    localStorage.setItem('theme', root.dataset.theme);
  });
}

document.addEventListener('click', (event) => {
  if (event.target.closest('[data-print]')) print();
});
for (const button of document.querySelectorAll('[data-print]')) button.hidden = false;

follow();
clocks();
