// Perennial's booking on a clinic's own website: how to use it is in server/demo/embed.md.
// The build takes out remarks and spaces, no more: what is written here is what is sent.
((script, name) => {
  const base = new URL(script.src).origin;
  const make = (tag, more) => Object.assign(document.createElement(tag), more);
  // Where the frame is not shown there is nobody else to say so.
  const lost = {
    en: "Booking is not possible here:",
    es: "No se puede reservar aquí:",
    de: "Buchen geht hier nicht:",
    ar: "لا يمكن الحجز هنا:",
  };
  if (!customElements.get(name)) {
    customElements.define(name, class extends HTMLElement {
      connectedCallback() {
        addEventListener("message", this);
        if (this.box) return;
        this.label = this.textContent.trim() || name;
        this.box = this.attachShadow({ mode: "open" });
        const shape = this.getAttribute("shape");
        if (!shape) return this.open();
        if (shape == "floating") this.style = "position:fixed;bottom:1rem;right:1rem;z-index:9";
        // What stands in the tag opens the dialog; without scripts it leads to the page itself.
        this.box.append(make("slot", { onclick: e => this.open(e.preventDefault()) }));
      }
      disconnectedCallback() {
        removeEventListener("message", this);
      }
      open(treatment) {
        // A dialog that nobody opens costs the page nothing.
        if (this.getAttribute("shape") && !this.shut) {
          this.box.append(this.box = make("dialog", {
            onclose: () => this.say("closed"),
            style: "padding:0;width:46rem;border:0",
            ariaLabel: this.label,
          }));
          this.box.append(this.shut = make("button", {
            onclick: () => this.close(),
            style: "padding:1rem;position:sticky;float:right;top:0;border:0",
            textContent: "✕",
          }));
        }
        if (treatment || !this.frame) {
          treatment ||= this.getAttribute("treatment");
          const page = base + "/" + this.getAttribute("clinic"), lang = this.closest("[lang]")?.lang;
          const query = new URLSearchParams({ site: location.origin, lang, theme: getComputedStyle(this).colorScheme });
          for (const { name, value } of this.attributes) query.set(name, value);
          this.step = "";
          this.frame?.remove();
          this.frame = make("iframe", {
            loading: "lazy",
            src: page + "/embed/booking" + (treatment ? "/" + treatment : "") + "?" + query,
            onload: ({ target }) => this.step || setTimeout(() => this.step || target.replaceWith(
              lost[lang?.slice(0, 2)] || lost.en, " ",
              make("a", { target: "_blank", href: page + "/booking", textContent: this.label }),
            ), 2e3),
            style: "width:100%;display:block;height:40rem;border:0",
            title: this.label,
          });
          this.box.append(this.frame);
        }
        this.box.open || this.box.showModal?.();
      }
      close() {
        this.box.close?.();
      }
      handleEvent({ origin, source, data }) {
        const { frame } = this, { perennial, close, type, height, step } = data || this;
        if (origin != base || source !== frame?.contentWindow || perennial != 1) return;
        if (type == "close") return this.close();
        if (height < 2e4) {
          frame.style.height = height + "px";
          source.postMessage({ fit: height, perennial: 1 }, base);
        }
        if (step) {
          // A page that begins above the window would not be seen.
          if (this.step && frame.getBoundingClientRect().top < 0) frame.scrollIntoView();
          this.step || this.say("ready");
          this.step = step;
          // The frame knows the reader's language.
          if (this.shut) this.shut.ariaLabel = close;
        }
        this.say(type, { height, step });
      }
      say(type, detail) {
        this.dispatchEvent(new CustomEvent("perennial:" + type, { bubbles: true, detail }));
      }
    });
    // Commands: "open" or "close", a selector, a treatment. Those given earlier were kept.
    const run = ([what, where, which]) => document.querySelectorAll(where).forEach(it => it[what](which));
    const early = window.perennial ||= [];
    early.forEach(run);
    early.push = run;
  }
  // A script may be the tag; then the link before it is what stands in the tag.
  if (script.dataset.clinic) {
    const it = make(name);
    it.append(script.previousElementSibling);
    for (const name in script.dataset) it.setAttribute(name, script.dataset[name]);
    script.after(it);
  }
})(document.currentScript, "perennial-booking");
