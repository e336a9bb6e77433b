// What every spec needs: a page that is ready, without mistakes, and usable by everyone.
import { AxeBuilder } from "@axe-core/playwright";
import { expect, test as base, type BrowserContext, type Locator, type Page } from "@playwright/test";

const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"];

type Fixtures = {
  // What the browser may say without being wrong, such as that an answer was an error.
  tolerated: RegExp;
  complaints: string[];
  // Someone else, in a browser of their own.
  newcomer: () => Promise<Page>;
};

// Every test fails if a page complains: a script that broke, an address that the policy forbids,
// a hydration that did not fit the page.
export const test = base.extend<Fixtures>({
  tolerated: [/^$/, { option: true }],
  complaints: [
    async ({ context, tolerated }, use) => {
      const complaints: string[] = [];
      watch(context, complaints);
      await use(complaints);
      const isKnown = (text: string) => tolerated.test(text) || (!hasScripts() && preloaded.test(text));
      const unexpected = complaints.filter((text) => !isKnown(text));
      expect(unexpected, "the page complains").toEqual([]);
    },
    { auto: true },
  ],
  newcomer: async ({ browser, complaints }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async () => {
      const context = await browser.newContext();
      contexts.push(context);
      watch(context, complaints);
      return context.newPage();
    });
    for (const context of contexts) await context.close();
  },
});

export { expect };

function watch(context: BrowserContext, complaints: string[]): void {
  context.on("weberror", (error) => complaints.push(error.error().message));
  context.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
}

// What browsers log for a time that is gone, a form that is wrong, a page that is not there.
export const refused = /^Failed to load resource: the server responded with a status of (404|409|422)/;

// Without scripts a browser still fetches early what scripts would need, then wonders about it.
const preloaded = /was preloaded using link preload but not used/;

// What browsers log for a request or an answer that does not arrive.
export const cutOff = /^Failed to load resource: net::ERR_(FAILED|INTERNET_DISCONNECTED)/;

// Whether this project runs scripts at all.
export function hasScripts(): boolean {
  return !test.info().project.name.endsWith("-nojs");
}

// Waits until the WebAssembly has taken over; without scripts the page is ready as it came.
export async function waitForHydration(page: Page): Promise<void> {
  if (!hasScripts()) return;
  await expect(page.locator("html")).toHaveAttribute("data-hydrated");
}

export async function open(page: Page, address: string): Promise<void> {
  const response = await page.goto(address);
  expect(response?.status(), address).toBe(200);
  await waitForHydration(page);
}

// Goes where a click leads: within the page, or to another document.
export async function follow(page: Page, link: Locator, arrival: RegExp | string): Promise<void> {
  await link.click();
  await arrive(page, arrival);
}

export async function arrive(page: Page, address: RegExp | string): Promise<void> {
  await expect(page).toHaveURL(address);
  await waitForHydration(page);
}

export async function reload(page: Page): Promise<void> {
  await page.reload();
  await waitForHydration(page);
}

// No violation of WCAG 2.2 AA or of axe's best practices.
export async function expectAccessible(page: Page): Promise<void> {
  const shown = hasScripts() ? page : await copyOf(page);
  const { violations } = await new AxeBuilder({ page: shown }).withTags(tags).analyze();
  if (shown !== page) await shown.context().close();
  const found = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join(" ")}`);
  expect(found, `axe on ${page.url()}`).toEqual([]);
}

// The page as it stands, where axe can run: axe is a script itself, the page's own are left out.
async function copyOf(page: Page): Promise<Page> {
  const html = (await page.content()).replace(/<script\b[\s\S]*?<\/script>/g, "");
  const browser = page.context().browser();
  if (!browser) throw new Error("the browser is gone");
  const context = await browser.newContext({ viewport: page.viewportSize(), javaScriptEnabled: true });
  const copy = await context.newPage();
  await copy.route(page.url(), (route) => route.fulfill({ contentType: "text/html; charset=utf-8", body: html }));
  await copy.goto(page.url());
  return copy;
}

// Nothing sticks out sideways: a page that scrolls in two directions cannot be read at 400 % zoom.
export async function expectNoSidewaysScroll(page: Page): Promise<void> {
  const { content, window } = await page.evaluate(() => ({
    content: document.documentElement.scrollWidth,
    window: document.documentElement.clientWidth,
  }));
  expect(content, `sideways scroll on ${page.url()}`).toBeLessThanOrEqual(window);
}
