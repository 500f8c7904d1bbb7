// Importing a file: it is sent to be looked at, then sent again to be appended. The browser keeps it meanwhile, so the server keeps nothing.

function imports() {
  const form = document.querySelector('[data-import]');
  if (!form) return;
  const file = form.querySelector('#file'), look = form.querySelector('[data-look]');
  const result = document.querySelector('[data-imported]');
  const progress = document.querySelector('[data-progress]');
  const bar = progress.querySelector('progress');
  let running = null, mend = '';

  const ready = () => { look.disabled = file.files.length === 0; };
  file.addEventListener('change', ready);
  ready();
  const options = () => {
    const query = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (value) query.append(name, value);
    return query;
  };

  // What was looked at is not what is chosen any more: it has to be looked at again before it is appended.
  const stale = () => {
    for (const button of result.querySelectorAll('[data-post]')) button.remove();
  };
  form.addEventListener('input', stale);
  form.addEventListener('change', stale);

  const send = async (append) => {
    running?.abort();
    const mine = running = new AbortController();
    const query = options(), chosen = file.files[0];
    const said = query.toString();
    query.set('file', chosen.name);
    if (append) query.set('append', '1');
    for (const button of document.querySelectorAll('[data-look], [data-post]')) button.disabled = true;
    bar.removeAttribute('value');
    progress.hidden = false;
    for (const error of form.querySelectorAll('[data-error]')) error.textContent = '';
    for (const field of form.querySelectorAll('.bad')) field.classList.remove('bad');
    try {
      const answer = await fetch(`${form.getAttribute('action')}?${query}`, {
        method: 'POST', body: chosen, signal: mine.signal, headers: {'Content-Type': 'application/octet-stream', 'Accept-Language': document.documentElement.lang},
      });
      if (!answer.ok) {
        const {detail, hint} = await answer.json();
        fail(detail, hint);
        return;
      }
      for await (const line of lines(answer.body)) take(JSON.parse(line));
      if (options().toString() !== said || file.files[0] !== chosen) stale();
    } catch (error) {
      if (error.name !== 'AbortError') fail(result.dataset.failed);
    } finally {
      if (mine === running) {
        progress.hidden = true;
        ready();
        for (const button of result.querySelectorAll('[data-post]')) button.disabled = false;
      }
    }
  };

  const take = (said) => {
    if (said.of) {
      bar.max = said.of;
      bar.value = said.at;
    }
    if (said.problem) fail(said.problem.message, said.problem.hint);
    if (said.part === undefined) return;
    result.innerHTML = said.part;
    URL.revokeObjectURL(mend);
    const link = result.querySelector('[data-mend]');
    if (link && said.mend) {
      mend = URL.createObjectURL(new Blob([Uint8Array.from(atob(said.mend), (c) => c.charCodeAt(0))]));
      link.href = mend;
    } else if (link) link.remove();
    const field = said.field && form.querySelector(`[data-field="${said.field}"]`);
    if (field) {
      field.closest('details')?.setAttribute('open', '');
      field.classList.add('bad');
      field.querySelector('[data-error]').textContent = said.fault;
      field.querySelector('[name]').focus();
    } else result.focus();
  };

  const fail = (words, hint) => {
    result.textContent = '';
    const section = document.createElement('section');
    section.className = 'problem';
    for (const text of [words, hint]) {
      if (!text) continue;
      const line = document.createElement('p');
      line.textContent = text;
      section.append(line);
    }
    result.append(section);
    result.focus();
  };

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (file.files.length > 0) send(false);
  });
  result.addEventListener('click', ({target}) => {
    if (target.closest('[data-post]')) send(true);
  });
}

// lines yields the lines of a stream.
async function* lines(body) {
  let rest = '';
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const {value, done} = await reader.read();
    if (done) break;
    const parts = (rest + value).split('\n');
    rest = parts.pop();
    yield* parts.filter((part) => part);
  }
  if (rest) yield rest;
}

imports();
