// Runs before anything is drawn, so that a page chosen to be dark is never light for a moment.
document.documentElement.dataset.script = ''; // what needs a script may be seen, even where a browser refuses to keep anything and the next line fails
const chosen = localStorage.getItem('theme');
if (chosen === 'dark' || chosen === 'light') document.documentElement.dataset.theme = chosen;
