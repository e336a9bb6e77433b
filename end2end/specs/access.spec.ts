// Everyone can use it: with a keyboard, a screen reader, a narrow or a zoomed window, in the dark,
// without movement, from another time zone.
import {
  book,
  checkPage,
  clinic,
  confirm,
  expectDetails,
  expectHeadingFocused,
  fillDetails,
  goOn,
  heldPage,
  letters,
  mainButton,
  openTimes,
  reachCheck,
  someone,
  tabTo,
  takeATime,
  timeButton,
  timeButtons,
  visitPage,
} from "./patient";
import { arrive, expect, expectAccessible, expectNoSidewaysScroll, follow, hasScripts, open, refused, test } from "./support";
import type { Locator, Page } from "@playwright/test";

test.use({ tolerated: refused });

// What has to hold for every page and every state of one.
async function expectUsable(page: Page, titles: Set<string>): Promise<void> {
  await expect(page.locator("h1")).toHaveCount(1);
  await expectAccessible(page);
  // In the dark the same page has other colours; one project is enough to see them.
  if (test.info().project.name === "phone-wasm") {
    await page.emulateMedia({ colorScheme: "dark" });
    await expectAccessible(page);
    await page.emulateMedia({ colorScheme: "light" });
  }
  await expectTargets(page);
  const size = page.viewportSize();
  // 1280 × 1024 at 400 % zoom.
  await page.setViewportSize({ width: 320, height: 256 });
  await expectNoSidewaysScroll(page);
  if (size) await page.setViewportSize(size);
  const title = await page.title();
  expect(titles, "each page has a title of its own").not.toContain(title);
  titles.add(title);
}

// Whatever can be pressed is at least 24 pixels wide and high (WCAG 2.2, 2.5.8), links within a
// sentence excepted. A choice is as large as its card.
async function expectTargets(page: Page): Promise<void> {
  const small = await page.evaluate(() => {
    const pressed = "a[href], button, input:not([type=hidden]), select, textarea, summary";
    const targets = [...document.querySelectorAll<HTMLElement>(pressed)];
    const area = (target: HTMLElement) => (target.closest("label.choice") ?? target).getBoundingClientRect();
    return targets
      .filter((target) => target.checkVisibility({ visibilityProperty: true }) && getComputedStyle(target).display !== "inline")
      .filter((target) => !target.classList.contains("skip"))
      .filter((target) => area(target).width < 24 || area(target).height < 24)
      .map((target) => target.outerHTML.slice(0, 120));
  });
  expect(small, `small targets on ${page.url()}`).toEqual([]);
}

test("the pages that help to choose are usable by everyone", async ({ page }) => {
  test.slow();
  const titles = new Set<string>();
  for (const address of [clinic, `${clinic}/booking`]) {
    await open(page, address);
    await expectUsable(page, titles);
  }
  await openTimes(page, "physio-first");
  await expectUsable(page, titles);
  await openTimes(page, "physio-first", "&view=calendar");
  await expect(page.locator("table.cal")).toBeVisible();
  await expectUsable(page, titles);
  await page.goto(`${clinic}/booking/nothing/of/the/kind`);
  await expect(page.locator("h1")).toHaveText("We could not find this page");
  await expectUsable(page, titles);
});

test("the pages from a time to a visit are usable by everyone", async ({ page }) => {
  test.slow();
  const titles = new Set<string>();
  await openTimes(page, "flu-vaccine");
  await takeATime(page);
  await expectUsable(page, titles);
  await mainButton(page).click();
  await expect(page.locator("#to-fix")).toBeVisible();
  await expectUsable(page, titles);
  await fillDetails(page, someone());
  await goOn(page);
  await expectUsable(page, titles);
  const check = page.url();
  await confirm(page);
  await expectUsable(page, titles);
  await open(page, check);
  await expectUsable(page, titles);
});

test("the pages that change a visit are usable by everyone", async ({ page }) => {
  test.slow();
  const titles = new Set<string>();
  const person = someone();
  await book(page, "physio-first", person);
  const visit = new URL(page.url()).pathname;
  for (const address of [`${visit}/move`, `${visit}/cancel`, `${visit}/contact`]) {
    await open(page, address);
    await expectUsable(page, titles);
  }
  await page.goto(`${clinic}/visit/none`);
  await expectUsable(page, titles);
  await open(page, `${clinic}/visit`);
  await expectUsable(page, titles);
  await page.getByRole("button").last().click();
  await expect(page.locator("#to-fix")).toBeVisible();
  await expectUsable(page, titles);
  // The letters of the demo are no page of the app, and readable all the same.
  await page.goto("/mailbox");
  await expectUsable(page, titles);
  await page.goto((await letters(page, person))[0]);
  await expectAccessible(page);
});

test("the pages for a time that is gone are usable by everyone", async ({ page, newcomer }) => {
  test.slow();
  const titles = new Set<string>();
  const other = await newcomer();
  await openTimes(page, "mole-check");
  const list = page.url();
  await open(other, list);
  const { instant } = await takeATime(page);
  await timeButton(other, instant).click();
  await expect(other.locator("#answer")).toBeVisible();
  await expectUsable(other, titles);
  const ending = page.url();
  for (const treatment of ["flu-vaccine", "physio-first"]) {
    await openTimes(page, treatment);
    await takeATime(page);
  }
  await open(page, ending);
  await expect(page.locator("h1")).toContainText("We could not keep");
  await expectUsable(page, titles);
  await open(other, list);
  await timeButton(other, instant).click();
  await arrive(other, heldPage);
  await open(page, ending);
  await expect(page.locator("h1")).toHaveText("Sorry, that time has just gone");
  await expectUsable(page, titles);
});

test("the whole way needs a keyboard only, by the calendar", async ({ page }) => {
  test.slow();
  const press = async (target: Locator) => {
    await tabTo(page, target);
    await page.keyboard.press("Enter");
  };
  const type = async (box: string, text: string) => {
    await tabTo(page, page.locator(box));
    await page.keyboard.type(text);
  };
  const person = someone();
  await open(page, clinic);
  await press(page.getByRole("link", { name: "Book a visit" }));
  await arrive(page, `${clinic}/booking`);
  await expectHeadingFocused(page);
  await press(page.getByRole("link", { name: "Full skin check" }));
  await arrive(page, `${clinic}/booking/skin-check`);
  await expectHeadingFocused(page);
  await press(page.getByRole("navigation").getByRole("link", { name: "Calendar" }));
  await arrive(page, /view=calendar/);
  // This month may be full by now; the next but one is not.
  for (let months = 0; months < 2; months += 1) {
    const before = page.url();
    await press(page.locator("section[aria-labelledby=month] .row a").last());
    await expect(page).not.toHaveURL(before);
    await arrive(page, /month=/);
  }
  const days = page.locator("table.cal a");
  await expect(days.first()).toHaveAccessibleName(/^\d+\s?, \w+day\s\d+\s\w+(\s\d{4})?, \d+ times? free$/);
  const day = days.nth(Math.floor(Math.random() * (await days.count())));
  await press(day);
  await arrive(page, /day=/);
  await expect(page.locator("table.cal a[aria-current]")).toHaveAccessibleName(/^\d+\s?, \w+day .+ free, chosen$/);
  if (hasScripts()) await expect(page.locator("#first-day")).toBeFocused();
  const time = await takeATime(page, press);
  await expectHeadingFocused(page);

  await tabTo(page, page.locator("input[type=radio]:checked"));
  await page.keyboard.press("ArrowDown");
  await expect(page.locator("#who_for_other")).toBeChecked();
  await page.keyboard.press("ArrowUp");
  await expect(page.locator("#who_for")).toBeChecked();
  await type("#name", person.name);
  await type("#birth_day", person.day);
  await type("#birth_month", person.month);
  await type("#birth_year", person.year);
  await type("#email", person.email);
  await type("#reason", person.reason);
  await tabTo(page, page.locator("#reminders"));
  await page.keyboard.press("Space");
  await expectDetails(page, person);
  await press(mainButton(page));
  await arrive(page, checkPage);
  await expectHeadingFocused(page);
  await expect(page.locator("dl.summary")).toContainText(`${time.day}, ${time.time}`);
  await press(mainButton(page));
  await arrive(page, visitPage);
  await expectHeadingFocused(page);
  await expect(page.locator("h1")).toHaveText("You’re booked");
});

test("a time and a choice have full names", async ({ page }) => {
  await openTimes(page, "flu-vaccine");
  await expect(timeButtons(page).first()).toHaveAccessibleName(/^(\d+:\d\d\s[ap]m|12\snoon)\s?, \w+day\s\d+\s\w+(\s\d{4})?$/);
  await takeATime(page);
  await expect(page.getByRole("group", { name: "Who is the visit for?" })).toBeVisible();
  await expect(page.getByRole("group", { name: "Date of birth" })).toHaveAccessibleDescription(/For example, 27 3 1984/);
  await expect(page.getByRole("group", { name: "How can we reach you?" })).toBeVisible();
  for (const consent of await page.locator("#contact input[type=checkbox]").all()) await expect(consent).not.toBeChecked();
  await fillDetails(page, someone());
  await goOn(page);
  const changes = page.getByRole("link", { name: /^Change / });
  expect(new Set(await changes.evaluateAll((links) => links.map((link) => link.ariaLabel))).size).toBe(await changes.count());
});

test("after a step the focus is on the new heading, and back brings the page before @wasm", async ({ page }) => {
  await open(page, clinic);
  await follow(page, page.getByRole("link", { name: "Book a visit" }), `${clinic}/booking`);
  await expect(page.locator("h1")).toBeFocused();
  await expect(page).toHaveTitle(/^What do you need/);
  await follow(page, page.getByRole("link", { name: "Flu vaccine" }), /flu-vaccine/);
  await expect(page.locator("h1")).toHaveText("Choose a time");
  await expect(page.locator("h1")).toBeFocused();
  await follow(page, page.getByRole("link", { name: "Show more days" }), /from=/);
  await expect(page.locator("#first-day")).toBeFocused();
  await page.goBack();
  await page.goBack();
  await expect(page.locator("h1")).toHaveText("What do you need?");
  await expect(page).toHaveTitle(/^What do you need/);
});

test("who wants no movement sees none", async ({ page }) => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  for (const open of [openHome, openList]) {
    await open(page);
    const moving = await page.evaluate(() => {
      const lasting = (style: CSSStyleDeclaration) =>
        style.transitionDuration.split(",").some((duration) => Number.parseFloat(duration) > 0.01);
      const elements = [...document.querySelectorAll("body *")].filter((element) => lasting(getComputedStyle(element)));
      return [...elements.map((element) => element.outerHTML.slice(0, 80)), ...document.getAnimations().map(String)];
    });
    expect(moving).toEqual([]);
  }
});

const openHome = (page: Page) => open(page, clinic);
const openList = (page: Page) => openTimes(page, "flu-vaccine");

test.describe("a reader in New York", () => {
  test.use({ timezoneId: "America/New_York" });

  test("sees the clinic's time and their own @wasm", async ({ page }) => {
    await openTimes(page, "flu-vaccine");
    await expect(page.getByText("Times are in London time")).toBeVisible();
    await expect(timeButtons(page).first().locator("small")).toHaveText(/^\d+:\d\d\s[ap]m in New York$/);
    const { instant } = await takeATime(page);
    const own = new Date(instant).toLocaleTimeString("en-US", { timeZone: "America/New_York", timeStyle: "short" });
    const there = new RegExp(`That is ${own.replace(/\s/, "\\s").toLowerCase()} in New York\\.`);
    await expect(page.locator("main")).toContainText(there);
    await fillDetails(page, someone());
    await goOn(page);
    await expect(page.locator("dl.summary")).toContainText(there);
    await confirm(page);
    await expect(page.locator(".ticket")).toContainText(there);
  });
});

test("a reader may ask for another zone beside the clinic's, without any script", async ({ page }) => {
  await openTimes(page, "flu-vaccine");
  await page.locator("details.zone summary").click();
  await page.getByLabel("Also show times in").selectOption({ label: "Tokyo" });
  await page.getByRole("button", { name: "Show", exact: true }).click();
  await arrive(page, /zone=Asia(%2F|\/)Tokyo/);
  await expect(page.getByText("Times are in London time")).toBeVisible();
  await expect(timeButtons(page).first().locator("small")).toHaveText(/ in Tokyo$/);
});

test("what a patient sends is nowhere in an address", async ({ page }) => {
  const person = someone();
  const addresses: string[] = [];
  page.on("request", (request) => addresses.push(decodeURIComponent(request.url())));
  await reachCheck(page, "flu-vaccine", person);
  await confirm(page);
  for (const secret of [person.email, person.name, person.reason]) {
    expect(addresses.filter((address) => address.includes(secret))).toEqual([]);
  }
  const kept = await page.evaluate(() => localStorage.length + sessionStorage.length);
  expect(kept, "nothing is left on a shared phone").toBe(0);
});
