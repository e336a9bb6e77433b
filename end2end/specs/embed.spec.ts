// The booking on a clinic's own website, which is another site to the browser: three shapes, one
// height, nothing kept, and nobody else to talk to.
import { aDayAhead, clinic, fillDetails, mainButton, someone, timeButtons, type Place } from "./patient";
import { expect, expectAccessible, expectNoSidewaysScroll, hasScripts, open, test, waitForHydration } from "./support";
import type { FrameLocator, Locator, Page } from "@playwright/test";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const portal = process.env.PERENNIAL_ADDRESS ?? "http://localhost:3000";
const site = process.env.PERENNIAL_SITE ?? "http://127.0.0.1:3001";
const link = `<a href="${portal}${clinic}/booking">Book a visit</a>`;

// What a browser says where a frame or its script is refused, or where a form's answer is "that is gone".
const refusedFrame = /frame-ancestors|Blocked script execution in .* frame is sandboxed|Failed to load resource: the server responded with a status of (403|404|409|422)/;
test.use({ tolerated: refusedFrame });

// A website that no clinic has listed.
const other = createServer((_, answer) => answer.setHeader("content-type", "text/html").end("<!DOCTYPE html><title>Other</title><p>Other"));
let stranger = "";
test.beforeAll(async () => {
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  stranger = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
});
test.afterAll(() => void other.close());

type Told = { id: string; type: string; detail: { height?: number; step?: string } | null };
declare global {
  interface Window {
    told: Told[];
    shift: number;
  }
}

// A website with this in its body, at that origin; it keeps what it is told.
async function host(page: Page, body: string, { origin = site, head = "" } = {}): Promise<void> {
  // An address where there is nothing yet: what a test makes up by itself no browser lets near this machine.
  await page.goto(`${origin}/host`);
  await fill(page, body, head);
}

async function fill(page: Page, body: string, head = ""): Promise<void> {
  const listen = `<script>
    window.told = [];
    for (const type of ["ready", "resize", "step", "booked", "closed"])
      addEventListener("perennial:" + type, ({ target, detail }) => told.push({ id: target.id, type, detail }));
  </script>`;
  await page.setContent(`<!DOCTYPE html><html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
    <title>A website</title><link rel="icon" href="data:,"><style>body { margin: 0 }</style>${listen}${head}
    <script src="${portal}/embed.js" defer></script></head><body>${body}</body></html>`);
}

function tag(attributes: string): string {
  return `<perennial-booking clinic="rowan-street" ${attributes}>${link}</perennial-booking>`;
}

function inside(page: Page, within = ""): FrameLocator {
  return page.frameLocator(`${within} iframe`);
}

async function told(page: Page, type: string): Promise<Told[]> {
  return page.evaluate((type) => window.told.filter((one) => one.type === type), type);
}

// Takes a time, and another one if somebody was quicker.
async function takeATime(frame: Place): Promise<void> {
  for (let attempt = 0; attempt < 4; attempt += 1) {
    const times = timeButtons(frame);
    await expect(times.first()).toBeVisible();
    await times.nth(Math.floor(Math.random() * (await times.count()))).click();
    await expect(frame.locator("#name, #answer").first()).toBeVisible();
    if (await frame.locator("#name").isVisible()) return;
  }
  throw new Error("every time was taken by somebody else");
}

async function bookIn(frame: Place): Promise<Locator> {
  await takeATime(frame);
  await fillDetails(frame, someone());
  await mainButton(frame).click();
  await expect(frame.locator("dl.summary")).toBeVisible();
  await mainButton(frame).click();
  const booked = frame.locator("[data-booked]");
  await expect(booked).toBeVisible();
  return booked;
}

// The frame is exactly as high as what is in it, which does not scroll in any direction.
async function expectFitting(page: Page, within = ""): Promise<number> {
  const frame = page.locator(`${within} iframe`);
  const body = inside(page, within).locator("body");
  let height = 0;
  await expect(async () => {
    height = await frame.evaluate((it) => it.getBoundingClientRect().height);
    const { content, wide, window } = await body.evaluate((it) => ({
      content: Math.ceil(it.getBoundingClientRect().height),
      wide: document.documentElement.scrollWidth,
      window: document.documentElement.clientWidth,
    }));
    expect(height, "height of the frame and of its content").toBe(content);
    expect(wide, "sideways").toBeLessThanOrEqual(window);
  }).toPass();
  return height;
}

test("the demo's website shows the three shapes without moving under its reader @wasm", async ({ page }) => {
  await page.addInitScript(() => {
    window.shift = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) window.shift += (entry as PerformanceEntry & { value: number }).value;
    }).observe({ type: "layout-shift", buffered: true });
  });
  await page.goto(site);
  await expect(timeButtons(inside(page, "#inline")).first()).toBeVisible();
  await expect(page.locator("#heard")).toContainText("inline: perennial:ready");
  await expectFitting(page, "#inline");
  expect(await page.evaluate(() => window.shift), "layout shift").toBeLessThan(0.005);
  expect(await page.evaluate(() => [document.activeElement?.tagName, scrollY])).toEqual(["BODY", 0]);
  await expectNoSidewaysScroll(page);

  for (const [shape, name] of [
    ["#button", "Book a visit"],
    ["#floating", "Termin buchen"],
  ]) {
    const dialog = page.locator(`${shape} dialog`);
    await expect(dialog).toBeHidden();
    await page.locator(`${shape} a`).click();
    await expect(dialog).toBeVisible();
    await expect(inside(page, shape).locator("h1")).toBeVisible();
    await expect(page.locator(`${shape} iframe`)).toHaveAttribute("title", name);
    await expect(inside(page, shape).locator("html")).toHaveAttribute("lang", shape === "#button" ? "en" : "de");
    // By its own button, and by the key that closes dialogs, pressed inside the frame.
    if (shape === "#button") await page.locator(`${shape} dialog > button`).click();
    else await inside(page, shape).locator("h1").press("Escape");
    await expect(dialog).toBeHidden();
    await page.locator(`${shape} a`).click();
    await expect(inside(page, shape).locator("h1"), "there again").toBeVisible();
    await dialog.press("Escape");
    await expect(page.locator("#heard")).toContainText(`${shape.slice(1)}: perennial:closed`);
  }
  await expectAccessible(page);
});

test("a visit is booked on the website, which hears of steps and of nothing else @wasm", async ({ page, context }) => {
  await host(page, tag(`id="one" treatment="physio-first" from="${aDayAhead()}"`));
  const booked = await bookIn(inside(page));
  await expect.poll(async () => (await told(page, "booked")).length).toBe(1);
  await expectFitting(page);
  const steps = (await page.evaluate(() => window.told)).filter(({ type }) => ["ready", "step", "booked"].includes(type));
  expect(steps.map(({ type, detail }) => detail?.step ?? type)).toEqual(["ready", "time", "details", "check", "booked"]);
  for (const { detail } of await page.evaluate(() => window.told)) {
    expect(Object.keys(detail ?? {}).filter((key) => !["height", "step"].includes(key))).toEqual([]);
  }
  expect(await context.cookies()).toEqual([]);
  // All of that where a browser gives a frame of another site no cookie and no storage.
  await expect(booked.evaluate(() => localStorage.length)).rejects.toThrow("Access is denied");
  expect(await booked.evaluate(() => [...document.scripts].filter(({ src }) => src).length), "files of script").toBe(0);
  // Whatever changes the visit is in a window of its own.
  const [own] = await Promise.all([context.waitForEvent("page"), booked.locator(`a[href^="${clinic}/visit/"]:not([download])`).click()]);
  await expect(own).toHaveURL(/\/visit\//);
  await waitForHydration(own);
});

for (const lang of ["en", "es", "de", "ar"]) {
  test(`the frame is as high as its content at every width in ${lang} @wasm`, async ({ page }) => {
    for (const width of [280, 375, 800, 1200]) {
      await page.setViewportSize({ width, height: 700 });
      await host(page, tag(`id="one" lang="${lang}" treatment="physio-first"`));
      await expect(timeButtons(inside(page)).first()).toBeVisible();
      await expect(inside(page).locator("html")).toHaveAttribute("lang", lang);
      const height = await expectFitting(page);
      await page.waitForTimeout(300);
      expect(await expectFitting(page), `it stays as high at ${width}`).toBe(height);
      expect((await told(page, "resize")).length, `heights told at ${width}`).toBeLessThan(6);
      expect(await page.evaluate(() => [document.activeElement?.tagName, scrollY])).toEqual(["BODY", 0]);
    }
    // What is turned follows, both ways.
    await page.setViewportSize({ width: 320, height: 700 });
    const narrow = await expectFitting(page);
    await page.setViewportSize({ width: 1100, height: 700 });
    expect(await expectFitting(page)).not.toBe(narrow);
    expect(await expectFrameAccessible(page)).toBe(true);
  });
}

// The frame's own document, looked at by itself.
async function expectFrameAccessible(page: Page): Promise<boolean> {
  const address = await page.locator("iframe").getAttribute("src");
  const own = await page.context().newPage();
  await own.goto(address ?? "");
  await expectAccessible(own);
  await own.close();
  return true;
}

test("two widgets of a page are each their own @wasm", async ({ page }) => {
  await host(page, tag(`id="one" treatment="physio-first"`) + tag(`id="two" treatment="flu-vaccine" lang="de"`));
  await expectFitting(page, "#one");
  await expectFitting(page, "#two");
  await expect(inside(page, "#one").locator("html")).toHaveAttribute("lang", "en");
  await expect(inside(page, "#two").locator("html")).toHaveAttribute("lang", "de");
  await takeATime(inside(page, "#two"));
  await expect.poll(async () => (await told(page, "step")).filter(({ detail }) => detail?.step === "details")).toHaveLength(1);
  expect((await told(page, "step")).filter(({ detail }) => detail?.step === "details")[0].id).toBe("two");
  await expect(timeButtons(inside(page, "#one")).first()).toBeVisible();
});

test("a tag that is taken off the page listens no more, and works where it is put back @wasm", async ({ page }) => {
  await page.addInitScript(() => {
    const listening = Object.assign(window, { listening: new Set<unknown>() }).listening;
    const { addEventListener: add, removeEventListener: remove } = window;
    window.addEventListener = (type: string, listener: never, options: never) => {
      if (type === "message") listening.add(listener);
      add.call(window, type, listener, options);
    };
    window.removeEventListener = (type: string, listener: never, options: never) => {
      if (type === "message") listening.delete(listener);
      remove.call(window, type, listener, options);
    };
  });
  await host(page, tag(`id="one" treatment="physio-first"`) + `<main></main>`);
  await expectFitting(page);
  const listening = (): Promise<number> => page.evaluate(() => (window as unknown as { listening: Set<unknown> }).listening.size);
  expect(await listening()).toBe(1);
  const tagged = await page.locator("#one").elementHandle();
  await tagged?.evaluate((it) => it.remove());
  expect(await listening()).toBe(0);
  await tagged?.evaluate((it) => document.querySelector("main")?.append(it));
  await expect(timeButtons(inside(page, "main")).first()).toBeVisible();
  await expectFitting(page, "main");
});

test("what nobody sees yet costs a website nothing @wasm", async ({ page }) => {
  const asked: string[] = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await host(page, `<div style="height: 9000px"></div>${tag(`id="one" treatment="physio-first"`)}${tag(`shape="button"`)}`);
  await page.waitForTimeout(500);
  expect(asked.filter((path) => path.includes("/embed/"))).toEqual([]);
  await expect(page.locator("dialog")).toHaveCount(0);
  await page.locator("#one").scrollIntoViewIfNeeded();
  await expectFitting(page);
});

test("what is asked for before the script is there is done afterwards @wasm", async ({ page }) => {
  const head = `<script>(window.perennial ||= []).push(["open", "#one", "flu-vaccine"])</script>`;
  await host(page, tag(`id="one" shape="button"`), { head });
  await expect(page.locator("dialog")).toBeVisible();
  await expect(page.locator("iframe")).toHaveAttribute("src", /\/embed\/booking\/flu-vaccine\?/);
  await page.evaluate(() => (window as unknown as { perennial: string[][] }).perennial.push(["close", "#one"]));
  await expect(page.locator("dialog")).toBeHidden();
});

test("a script tag alone takes the link before it @wasm", async ({ page }) => {
  await host(page, `${link}<script src="${portal}/embed.js" defer data-clinic="rowan-street" data-treatment="physio-first"></script>`);
  await expect(timeButtons(inside(page)).first()).toBeVisible();
  await expect(page.getByRole("link", { name: "Book a visit" })).toBeHidden();
});

test("without JavaScript the link to the booking stays @nojs", async ({ page }) => {
  await page.goto(site);
  await expect(page.locator("iframe")).toHaveCount(0);
  await page.locator("#button a").click();
  await expect(page).toHaveURL(`${portal}${clinic}/booking`);
});

// As a website does that keeps everything apart: the frame has no origin, so no cookie and no storage.
function apart(): string {
  const allowed = hasScripts() ? "allow-forms allow-scripts" : "allow-forms";
  const address = `${portal}${clinic}/embed/booking/physio-first?site=${site}&amp;from=${aDayAhead()}`;
  return `<iframe title="Booking" sandbox="${allowed}" src="${address}" width="100%" height="700"></iframe>`;
}

test("a visit is booked in a sandbox without an origin, with scripts or without", async ({ page, context }) => {
  await host(page, apart());
  await bookIn(inside(page));
  expect(await context.cookies()).toEqual([]);
});

for (const where of ["on the website", "in a sandbox without an origin"]) {
  test(`what is typed ${where} is still there in another language and after going back @wasm`, async ({ page }) => {
    await host(page, where === "on the website" ? tag(`id="one" treatment="physio-first" from="${aDayAhead()}"`) : apart());
    const frame = inside(page);
    await takeATime(frame);
    // In the middle of a word, without leaving the field.
    await frame.locator("#reason").pressSequentially("It hurts in my left kn");
    await frame.locator(".languages a[lang=de]").click();
    await expect(frame.locator("html")).toHaveAttribute("lang", "de");
    await expect(frame.locator("#reason")).toHaveValue("It hurts in my left kn");
    // A moment after the typing stops; the browser's own memory of the form is not asked.
    const kept = page.waitForResponse((answer) => answer.url().includes("/embed/api/booking/keep"));
    await frame.locator("#reason").press("End");
    await frame.locator("#reason").pressSequentially("ee");
    await kept;
    await frame.locator("#name").pressSequentially("Maya");
    await frame.locator("a.back").click();
    await expect(timeButtons(frame).first()).toBeVisible();
    await takeATime(frame);
    await expect(frame.locator("#reason")).toHaveValue("It hurts in my left knee");
    await expect(frame.locator("#name")).toHaveValue("Maya");
  });
}

test("who goes on is not held up by a network that does not answer @wasm", async ({ page }) => {
  await host(page, tag(`id="one" treatment="physio-first" from="${aDayAhead()}"`));
  const frame = inside(page);
  await takeATime(frame);
  let asked = 0;
  await page.route("**/embed/api/booking/keep*", () => void (asked += 1));
  await frame.locator("#reason").pressSequentially("Both knees");
  await expect.poll(() => asked).toBe(1);
  await fillDetails(frame, someone());
  await mainButton(frame).click();
  await expect(frame.locator("dl.summary")).toBeVisible({ timeout: 8000 });
});

test("the browser of somebody who is known sends nothing of that to the frame @wasm", async ({ page, context }) => {
  await open(page, `${clinic}/booking/physio-first`);
  await context.addCookies([{ name: "lang", value: "ar", url: portal }]);
  await host(page, tag(`id="one" treatment="physio-first"`));
  await expect(inside(page).locator("html")).toHaveAttribute("lang", "en");
});

test("messages of a sibling, an opener and another child change nothing @wasm", async ({ page, context }) => {
  const forged = ["booked", "resize", "close", "step"].map((type) => ({ perennial: 1, type, step: "forged", height: 9999, fit: 9999 }));
  const attack = `for (const it of ${JSON.stringify(forged)}) { parent.postMessage(it, "*"); for (let n = 0; n < parent.length; n++) parent[n].postMessage(it, "*") }`;
  const sibling = `<iframe id="sibling" srcdoc="<script>setInterval(() => { ${attack.replaceAll('"', "&quot;")} }, 50)</script>"></iframe>`;
  const own = `<iframe id="own" src="${portal}${clinic}/embed/booking?site=${site}" height="200"></iframe>`;
  await host(page, tag(`id="one" shape="button"`) + own + sibling);
  await page.evaluate(() => (window as unknown as { perennial: string[][] }).perennial.push(["open", "#one"]));
  await expect(inside(page, "#one").locator("h1")).toBeVisible();
  const height = await expectFitting(page, "#one");
  const opener = await context.newPage();
  await host(opener, "", { origin: stranger });
  const [opened] = await Promise.all([
    context.waitForEvent("page"),
    opener.evaluate((address) => void Object.assign(window, { it: window.open(address) }), `${site}/host`),
  ]);
  await fill(opened, tag(`id="one"`) + own);
  await expect(inside(opened, "#one").locator("h1")).toBeVisible();
  await opener.evaluate((forged) => {
    const { it } = window as unknown as { it: Window };
    for (const message of forged) it.postMessage(message, "*");
  }, forged);
  await page.waitForTimeout(300);
  for (const website of [page, opened]) {
    const heard = await website.evaluate(() => window.told);
    expect(heard.filter(({ type, detail }) => type === "booked" || type === "closed" || detail?.step === "forged" || detail?.height === 9999)).toEqual([]);
  }
  await expect(page.locator("#one dialog")).toBeVisible();
  expect(await expectFitting(page, "#one")).toBe(height);
  // And the frame believes nobody but the page it is in, not even about its own height.
  const overflow = () => page.frameLocator("#own").locator("html").evaluate((it) => it.style.overflow);
  expect(await overflow()).toBe("");
  const fit = (version: number) =>
    page.evaluate((perennial) => (document.querySelector("#own") as HTMLIFrameElement).contentWindow?.postMessage({ perennial, fit: 9999 }, "*"), version);
  await fit(2);
  await page.waitForTimeout(100);
  expect(await overflow(), "another version").toBe("");
  await fit(1);
  await expect.poll(overflow).toBe("hidden");
});

test("the website hears its own frame, in the version it knows, and nobody in the frame's place @wasm", async ({ page }) => {
  await host(page, tag(`id="one" treatment="physio-first"`));
  const height = await expectFitting(page);
  const say = (message: object): Promise<void> =>
    inside(page).locator("html").evaluate((_, message) => parent.postMessage(message, "*"), message);
  const forged = { type: "booked", step: "forged", height: 99 };
  await say({ perennial: 2, ...forged });
  // Nor a height that no page has, whatever has gone wrong in there.
  await say({ perennial: 1, type: "resize", height: 30_000 });
  await page.locator("iframe").evaluate((it, address) => void ((it as HTMLIFrameElement).src = address), `${stranger}/`);
  await expect(inside(page).locator("p")).toHaveText("Other");
  await say({ perennial: 1, ...forged });
  await page.waitForTimeout(300);
  expect((await told(page, "booked")).length).toBe(0);
  expect(await page.locator("iframe").evaluate((it) => it.getBoundingClientRect().height)).toBe(height);
});

test("the frame hears the website that it was made for, and no other that is listed, too @wasm", async ({ page }) => {
  const address = `${portal}${clinic}/embed/booking?site=https://www.rowanstreet.example`;
  await host(page, `<iframe title="Booking" id="own" src="${address}" height="200"></iframe>`);
  const root = page.frameLocator("#own").locator("html");
  await expect(root).toHaveAttribute("data-site", "https://www.rowanstreet.example");
  await page.evaluate(() => {
    addEventListener("message", ({ data }) => window.told.push({ id: "", type: "any", detail: data }));
    (document.querySelector("#own") as HTMLIFrameElement).contentWindow?.postMessage({ perennial: 1, fit: 9999 }, "*");
  });
  await page.frameLocator("#own").locator("h1").press("Escape");
  await page.waitForTimeout(300);
  expect(await root.evaluate((it) => it.style.overflow), "it believes nobody else").toBe("");
  expect(await told(page, "any"), "it tells nobody else").toEqual([]);
});

test("what came of a form is read out to who is in the frame, and takes nobody's focus on the website @wasm", async ({ page }) => {
  await host(page, `<input aria-label="Search">` + tag(`id="one" treatment="physio-first" from="${aDayAhead()}"`));
  const frame = inside(page);
  await takeATime(frame);
  await mainButton(frame).click();
  await expect(frame.locator("#to-fix")).toBeFocused();
  await page.getByLabel("Search").focus();
  await mainButton(frame).evaluate((it) => (it as HTMLButtonElement).form?.requestSubmit());
  await expect(frame.locator("#to-fix")).not.toBeFocused();
  await expect(frame.locator("#to-fix")).toBeVisible();
  await page.waitForTimeout(300);
  await expect(page.getByLabel("Search")).toBeFocused();
});

test("a page of the frame that begins above the window is brought into it @wasm", async ({ page }) => {
  await page.setViewportSize({ width: 375, height: 700 });
  await host(page, tag(`id="one" treatment="physio-first" from="${aDayAhead()}"`));
  await expectFitting(page);
  const frame = inside(page);
  const top = (): Promise<number> => page.locator("iframe").evaluate((it) => it.getBoundingClientRect().top);
  await timeButtons(frame).last().scrollIntoViewIfNeeded();
  expect(await top()).toBeLessThan(-200);
  await timeButtons(frame).last().click();
  await expect(frame.locator("#name, #answer").first()).toBeVisible();
  await expect.poll(top).toBeGreaterThanOrEqual(-1);
});

test("a copied tag on a site that is not listed says so and leads to the booking @wasm", async ({ page }) => {
  const lies = `site="${site}"`;
  await host(page, tag(`id="one" treatment="physio-first" ${lies}`) + tag(`id="two" lang="de" shape="button"`), { origin: stranger });
  const excuse = page.locator("#one").getByRole("link", { name: "Book a visit" });
  await expect(excuse).toHaveAttribute("href", `${portal}${clinic}/booking`);
  await expect(page.locator("#one iframe")).toHaveCount(0);
  expect(await page.locator("#one").evaluate((it) => it.shadowRoot?.textContent)).toContain("Booking is not possible here:");
  await page.locator("#two > a").click();
  await expect(page.locator("#two dialog")).toContainText("Buchen geht hier nicht:");
  expect(await page.evaluate(() => window.told)).toEqual([]);
});

test("what a tag says cannot inject anything @wasm", async ({ page }) => {
  const evil = `&quot;&gt;&lt;/style&gt;&lt;script&gt;top.hacked=1&lt;/script&gt;`;
  const attributes = ["accent", "lang", "theme", "practitioner", "location"].map((name) => `${name}="${evil}"`).join(" ");
  await host(page, tag(`id="one" treatment="physio-first" ${attributes}`));
  await expect(timeButtons(inside(page)).first()).toBeVisible();
  await expect(inside(page).locator("html")).toHaveAttribute("lang", "en");
  expect(await page.evaluate(() => "hacked" in window)).toBe(false);
  await host(page, tag(`id="two" treatment="../../../mailbox?" clinic="../mailbox#"`).replace('clinic="rowan-street" ', ""));
  await expect(page.locator("#two").getByRole("link")).toBeVisible();
});

test("the website's accent and scheme are those of the frame @wasm", async ({ page }) => {
  const head = "<style>:root { color-scheme: dark }</style>";
  await host(page, tag(`id="one" treatment="physio-first" accent="#1d4f91"`), { head });
  const root = inside(page).locator("html");
  await expect(root).toHaveAttribute("data-theme", "dark");
  expect(await root.evaluate((it) => getComputedStyle(it).getPropertyValue("--hue"))).toBe("257");
});
