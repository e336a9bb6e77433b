// Keeps what is typed on the server, as `ui/autosave.rs` does where there is WebAssembly: a moment
// after the typing stops, and before another page is asked for.
((around) => {
  if (!around) return;
  const form = around.querySelector("form");
  let rest, sending, stop;
  // A frame that is kept apart may send, and may not read what is answered.
  const send = () => {
    stop = new AbortController();
    const body = new URLSearchParams(new FormData(form));
    const how = { method: "POST", mode: "no-cors", credentials: "omit", keepalive: true };
    return fetch(around.dataset.keep, { ...how, body, signal: stop.signal });
  };
  // One after the other: an older one must not overwrite a newer one.
  const keep = () => {
    rest = clearTimeout(rest);
    const mine = (sending = Promise.resolve(sending).then(send).catch(() => {}).then(() => {
      if (sending === mine) sending = undefined;
    }));
  };
  const before = (event, go) => {
    if (!sending) return;
    event.preventDefault();
    let patience;
    const end = () => {
      if (patience) go();
      patience = clearTimeout(patience);
    };
    // Nobody is kept waiting for a network that is gone; what is under way must not come after what follows.
    patience = setTimeout(() => {
      stop.abort();
      end();
    }, 3000);
    const wait = () => (sending ? sending.then(wait) : end());
    wait();
  };
  form.addEventListener("input", () => {
    clearTimeout(rest);
    rest = setTimeout(keep, 1500);
  });
  // Who turns away may never come back: what is under way is less than what is typed by now.
  addEventListener("visibilitychange", () => {
    if (!document.hidden || !rest) return;
    if (stop) stop.abort();
    keep();
  }, true);
  addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='/']:not([target])");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    if (rest) keep();
    before(event, () => location.assign(link.href));
  });
  addEventListener("submit", (event) => {
    const { target, submitter } = event;
    // The form's own button sends everything.
    if (target === form) rest = clearTimeout(rest);
    else if (rest) keep();
    // No button of these forms has a value, so an old browser loses nothing.
    before(event, () => (target.requestSubmit ? target.requestSubmit(submitter) : target.submit()));
  });
})(document.querySelector("[data-keep]"));
