// Tells the website around this frame its height, its step and its end; nobody else, and nothing more.
((root, body) => {
  const { site, step, close } = root.dataset;
  if (!site || parent === self) return;
  const say = (type, more) => parent.postMessage({ perennial: 1, type, ...more }, site);
  let height;
  const measure = () => {
    const now = Math.ceil(body.getBoundingClientRect().height);
    if (now !== height) say("resize", { height: (height = now) });
  };
  addEventListener("message", ({ source, origin, data }) => {
    // Who made the frame as high as its content needs no scrollbar in it.
    if (source === parent && origin === site && data && data.perennial === 1) {
      root.style.overflow = data.fit >= height ? "hidden" : "";
    }
  });
  addEventListener("keydown", (event) => event.key === "Escape" && say("close"));
  const isBooked = document.querySelector("[data-booked]");
  // The website's own button closes the dialog: what it is called goes with the step.
  say(isBooked ? "booked" : "step", { step: isBooked ? "booked" : step, close });
  // At once: a frame that is out of sight is not drawn, so nothing is observed there.
  measure();
  new ResizeObserver(measure).observe(body);
  // What came of a form is read out, unless the reader is elsewhere on the website.
  const answer = document.hasFocus() && document.querySelector("#to-fix, #answer");
  if (answer) answer.focus();
})(document.documentElement, document.body);
