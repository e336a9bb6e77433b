// Measures a running server in Chromium: one line of JSON a figure on standard output, what
// explains a score on standard error. `cargo portal bench weight` and others run it:
//
//     node bench.mjs weight|lighthouse|embed_first_view|embed_host ADDRESS CHROMIUM SITE
//
// It knows no bars; src/bench/figure.rs does.
import { get } from "node:http";
import { createServer } from "node:net";
import { chromium } from "@playwright/test";
import lighthouse from "lighthouse";

const [what, address, executablePath, site] = process.argv.slice(2);
const CHOOSE = "/rowan-street/booking";
const TIMES = "/rowan-street/booking/physio-first";
// Scores of speed differ from run to run; the median of an odd number of runs is reported.
const RUNS = 3;
const ATTEMPTS = 3;

const say = (figure, value, unit) => console.log(JSON.stringify({ figure, value, unit }));
const explain = (line) => console.error(`         ${line}`);

function launch(...more) {
  const args = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    ...more,
  ];
  // A patient of the clinic lives where it is; one elsewhere asks for the times once more, in two zones.
  return chromium.launch({ executablePath, args, env: { ...process.env, TZ: "Europe/London" } });
}

// A port that is free at this moment.
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

// The body as it travels, in the encoding that this header asks for.
function fetched(path, encoding) {
  const headers = { accept: "text/html,*/*;q=0.8", "accept-encoding": encoding, "accept-language": "en-GB,en" };
  return new Promise((resolve, reject) => {
    const request = get(new URL(path, address), { headers }, (answer) => {
      const pieces = [];
      answer.on("data", (piece) => pieces.push(piece)).once("error", reject);
      answer.once("end", () => {
        if (answer.statusCode === 200) resolve(Buffer.concat(pieces));
        else reject(new Error(`${path} is answered with ${answer.statusCode}`));
      });
    });
    request.once("error", reject);
  });
}

async function weight() {
  const page = (await fetched(TIMES, "identity")).toString();
  const links = [...page.matchAll(/<link\b[^>]*\brel="stylesheet"[^>]*>/g)].map(([link]) => link.match(/\bhref="([^"]+)"/)[1]);
  const html = (await fetched(TIMES, "br")).length;
  let css = 0;
  for (const link of links) css += (await fetched(link, "br")).length;
  say("booking page, HTML and CSS", (html + css) / 1000, "KB");
  say("booking page, HTML", html / 1000, "KB");
  say("requests to interactive", await requests(), "requests");
}

// How many requests leave a phone that was never here, until the page is awake.
async function requests() {
  const browser = await launch();
  try {
    const context = await browser.newContext({ viewport: { width: 375, height: 812 }, locale: "en-GB" });
    const page = await context.newPage();
    const session = await context.newCDPSession(page);
    const sent = new Map();
    session.on("Network.requestWillBeSent", ({ requestId, request }) => {
      if (request.url.startsWith("http")) sent.set(requestId, new URL(request.url).pathname);
    });
    // What was fetched ahead is asked for again, and comes from memory.
    session.on("Network.requestServedFromCache", ({ requestId }) => sent.delete(requestId));
    await session.send("Network.enable");
    const broken = new Promise((_, reject) => {
      page.once("pageerror", (error) => reject(new Error(`the page broke: ${error.message}`)));
    });
    await page.goto(new URL(TIMES, address).href, { waitUntil: "commit" });
    await Promise.race([broken, page.locator("html[data-hydrated=true]").waitFor({ state: "attached", timeout: 60_000 })]);
    const files = [...sent.values()];
    explain(`asked for: ${files.map((file) => file.split("/").pop()).join(", ")}`);
    return files.length;
  } finally {
    await browser.close();
  }
}

// A time that is held, as a patient gets there: the address of step 3.
async function detailsPage(browser) {
  const page = await browser.newPage();
  await page.goto(new URL(TIMES, address).href);
  await page.locator("ul.slots button").last().click();
  await page.waitForURL(/\/booking\/hold\//);
  const path = new URL(page.url()).pathname;
  await page.close();
  return path;
}

const median = (values) => values.toSorted((a, b) => a - b)[(values.length - 1) / 2];
const percent = (score) => Math.round(score * 100);

// What Lighthouse makes of a category's audits, with some of them left out.
function scored({ auditRefs }, audits, without) {
  const counted = auditRefs.filter(({ id, weight }) => weight > 0 && !without.includes(id) && audits[id].score !== null);
  const sum = (of) => counted.reduce((all, ref) => all + of(ref), 0);
  return percent(sum(({ id, weight }) => weight * audits[id].score) / sum(({ weight }) => weight));
}

// Lighthouse sometimes misses the beginning of its own recording, and says so; then it looks again.
async function audited(path, flags) {
  for (let attempt = 1; ; attempt++) {
    const { lhr } = await lighthouse(new URL(path, address).href, flags);
    if (!lhr.runtimeError) return lhr;
    if (attempt === ATTEMPTS) throw new Error(`${path}: ${lhr.runtimeError.message}`);
  }
}

// The page's scores. A private page asks not to be found, so SEO cannot hold that against it.
async function scores(path, port) {
  const speeds = [];
  const found = { seo: 100, "best-practices": 100, accessibility: 100 };
  let strict = 100;
  for (let run = 0; run < RUNS; run++) {
    const onlyCategories = ["performance", ...Object.keys(found)];
    const { audits, categories } = await audited(path, { port, onlyCategories, output: "json", logLevel: "error" });
    const isPrivate = path.includes("/hold/");
    speeds.push(percent(categories.performance.score));
    for (const id of Object.keys(found)) {
      const without = id === "seo" && isPrivate ? ["is-crawlable"] : [];
      found[id] = Math.min(found[id], scored(categories[id], audits, without));
    }
    strict = Math.min(strict, percent(categories.seo.score));
    if (run === 0) tell(path, { audits, categories });
  }
  return { performance: median(speeds), ...found, strict };
}

// Which audits cost points, and the times behind the speed.
function tell(path, { audits, categories }) {
  const times = ["first-contentful-paint", "largest-contentful-paint", "total-blocking-time", "cumulative-layout-shift", "speed-index"];
  explain(`${path.replace(/hold\/.*/, "hold/…")}: ${times.map((id) => `${audits[id].title} ${audits[id].displayValue}`).join(", ")}`);
  for (const [name, { auditRefs }] of Object.entries(categories)) {
    if (name === "performance") continue;
    for (const { id, weight } of auditRefs) {
      const { score, title } = audits[id];
      if (weight > 0 && score !== null && score < 1) explain(`  ${name}: ${id} (${title})`);
    }
  }
}

async function measureLighthouse() {
  const port = await freePort();
  const browser = await launch(`--remote-debugging-port=${port}`);
  try {
    const pages = [];
    for (const path of [CHOOSE, TIMES, await detailsPage(browser)]) pages.push(await scores(path, port));
    const lowest = (id) => Math.min(...pages.map((page) => page[id]));
    say("performance", lowest("performance"), "of 100");
    say("accessibility", lowest("accessibility"), "of 100");
    say("best practices", lowest("best-practices"), "of 100");
    say("SEO", lowest("seo"), "of 100");
    say("SEO if the private page should be found by search engines", lowest("strict"), "of 100");
  } finally {
    await browser.close();
  }
}

// The example website until the frame in it is there: what the portal sent for it.
async function embedFirstView() {
  const browser = await launch();
  try {
    const page = await browser.newPage({ viewport: { width: 375, height: 812 }, locale: "en-GB" });
    const requests = [];
    page.on("requestfinished", (request) => request.url().startsWith(address) && requests.push(request));
    await page.goto(site, { waitUntil: "networkidle" });
    await page.frameLocator("iframe").locator("ul.slots button").first().waitFor();
    let bytes = 0;
    for (const request of requests) {
      const { responseBodySize } = await request.sizes();
      explain(`${new URL(request.url()).pathname.split("/").pop()}: ${responseBodySize}`);
      bytes += responseBodySize;
    }
    say("loader and first page of the frame", bytes / 1000, "KB");
    say("requests to the portal", requests.length, "requests");
  } finally {
    await browser.close();
  }
}

// The example website without its script, with it, and with a bare frame in its place, in turns: what
// the main thread of the page did until all was there, and how far things moved under the reader.
// The frame itself has a thread of its own. The bare frame says what a browser asks for any frame on
// this machine, whoever wrote it.
async function embedHost() {
  const browser = await launch("--site-per-process");
  const times = { without: [], bare: [], with: [] };
  const bare = `(tag => {
    const frame = document.createElement("iframe");
    frame.src = "${address}/rowan-street/embed/booking/physio-first";
    frame.style = "display: block; width: 100%; height: 100vh; border: 0";
    tag.replaceChildren(frame);
  })(document.querySelector("#inline"))`;
  const instead = { without: "", bare };
  let shift = 0;
  try {
    for (let run = 0; run < 15; run++) {
      for (const kind of Object.keys(times)) {
        const context = await browser.newContext({ viewport: { width: 1200, height: 800 } });
        const page = await context.newPage();
        await page.addInitScript(() => {
          window.shift = 0;
          const add = (list) => list.getEntries().forEach(({ value }) => (window.shift += value));
          new PerformanceObserver(add).observe({ type: "layout-shift", buffered: true });
          // What the example itself makes of what it hears is not the booking's.
          const hear = (event) => event.stopImmediatePropagation();
          for (const type of ["ready", "resize", "step"]) addEventListener(`perennial:${type}`, hear, true);
        });
        const body = instead[kind];
        if (body !== undefined) await page.route("**/embed.js", (route) => route.fulfill({ contentType: "text/javascript", body }));
        const session = await context.newCDPSession(page);
        // Time of the thread itself: a machine that is busy with something else adds nothing.
        await session.send("Performance.enable", { timeDomain: "threadTicks" });
        await page.goto(site, { waitUntil: "networkidle" });
        const { metrics } = await session.send("Performance.getMetrics");
        times[kind].push(metrics.find(({ name }) => name === "TaskDuration").value * 1000);
        if (kind === "with") shift = Math.max(shift, await page.evaluate(() => window.shift));
        await context.close();
      }
    }
  } finally {
    await browser.close();
  }
  const added = (kind) => Math.max(0, median(times[kind]) - median(times.without));
  explain(`main thread without any frame: ${median(times.without).toFixed(1)} ms`);
  say("main thread of the page around it, added", added("with"), "ms");
  say("the same for a bare frame", added("bare"), "ms");
  say("layout shift of the page around it", shift, "");
}

if (what === "weight") await weight();
else if (what === "embed_first_view") await embedFirstView();
else if (what === "embed_host") await embedHost();
else if (what === "lighthouse") await measureLighthouse();
else throw new Error("node bench.mjs weight|lighthouse|embed_first_view|embed_host ADDRESS CHROMIUM SITE");
