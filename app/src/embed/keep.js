// Keeps what is typed on the server, as `booking/page/autosave.rs` does where there is WebAssembly: a
// moment after the typing stops, and before another page is asked for.
((around) => {
  if (!around) return;
  const form = around.querySelector("form");
  let rest, sending;
  const keep = () => {
    rest = clearTimeout(rest);
    const body = new URLSearchParams(new FormData(form));
    // One after the other: an older one must not overwrite a newer one. A frame that is kept apart
    // may send, and may not read what is answered.
    const send = () => fetch(around.dataset.keep, { method: "POST", mode: "no-cors", credentials: "omit", keepalive: true, body });
    const mine = (sending = Promise.resolve(sending).then(send).catch(() => {}).then(() => {
      if (sending === mine) sending = undefined;
    }));
  };
  // Nobody is kept waiting for a network that is gone.
  const patience = () => new Promise((end) => setTimeout(end, 3000));
  const before = (event, go) => {
    if (!sending) return;
    event.preventDefault();
    Promise.race([sending, patience()]).then(() => {
      sending = undefined;
      go();
    });
  };
  form.addEventListener("input", () => {
    clearTimeout(rest);
    rest = setTimeout(keep, 1500);
  });
  addEventListener("visibilitychange", () => document.hidden && rest && keep(), true);
  addEventListener("click", (event) => {
    const link = event.target.closest("a[href]:not([target], [href^='#'])");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (rest) keep();
    before(event, () => location.assign(link.href));
  });
  addEventListener("submit", (event) => {
    // The form's own button sends everything.
    if (event.target === form) rest = clearTimeout(rest);
    else if (rest) keep();
    before(event, () => event.target.requestSubmit(event.submitter));
  });
})(document.querySelector("[data-keep]"));
