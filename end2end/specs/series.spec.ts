// Several visits in one go: laid out, kept, booked by one press, then moved and cancelled together.
//
// Follow-ups are for patients whom the clinic knows: the demo's Maya, found by her number, with an
// address of her own in every test so that its letters can be told apart.
import { checkPage, confirm, expectHeadingFocused, fillDetails, goOn, letterFrom, openTimes, someone, takeATime, visitPage } from "./patient";
import type { Person } from "./patient";
import { arrive, expect, expectAccessible, expectNoSidewaysScroll, follow, open, refused, test } from "./support";
import type { Page } from "@playwright/test";

const seriesPage = /\/booking\/hold\/[^/?#]+\/series/;
const visits = 3;

test.use({ tolerated: refused });

function maya(): Person {
  return { ...someone(), name: "Maya Haddad" };
}

// Keeps a time and lays out two more, once a week; whatever is not free is taken as it is proposed.
async function planThree(page: Page): Promise<void> {
  await openTimes(page, "physio-follow-up");
  await takeATime(page);
  await follow(page, page.getByRole("link", { name: "Book several visits at once" }), seriesPage);
  await expect(page.locator("h1")).toHaveText("Several visits");
  await expectHeadingFocused(page);
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
  await page.locator("#every").check();
  await page.locator("#visits").selectOption(String(visits));
  await page.getByRole("button", { name: "Show the times" }).click();
  await expect(page.getByRole("heading", { name: "Your visits" })).toBeVisible();
  await expect(page.locator("input[name='starts[2]']").first()).toBeVisible();
  await expect(page.locator("input[name='starts[3]']").first()).toBeVisible();
  await expect(page.locator("input[name='starts[4]']")).toHaveCount(0);
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
}

async function fill(page: Page, person: Person): Promise<void> {
  await fillDetails(page, person);
  await page.locator("#phone").fill("+44 7700 900462");
}

// From nothing to the page of the first of three booked visits.
async function bookThree(page: Page, person: Person): Promise<void> {
  await planThree(page);
  await page.getByRole("button", { name: "Continue with these" }).click();
  await expect(page.locator("#name")).toBeVisible();
  await expect(page.getByText("And 2 more visits")).toBeVisible();
  await fill(page, person);
  await goOn(page);
  await confirm(page);
}

test("a patient books three visits by one press and gets one letter about them", async ({ page }) => {
  test.slow();
  const person = maya();
  await planThree(page);
  await page.getByRole("button", { name: "Continue with these" }).click();
  await expect(page.locator("#name")).toBeVisible();
  await fill(page, person);
  await goOn(page);
  await expect(page.locator("dl.summary")).toContainText("Further visits");
  await expect(page.getByText("£144 together")).toBeVisible();
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
  await confirm(page);

  const listed = page.locator("section[aria-labelledby='visits'] .list > li");
  await expect(listed).toHaveCount(visits);
  await expect(listed.first()).toContainText("This visit");
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
  const second = listed.nth(1).getByRole("link");
  await follow(page, second, new RegExp(`${await second.getAttribute("href")}$`));
  await expect(page.locator("section[aria-labelledby='visits'] .list > li").nth(1)).toContainText("This visit");

  const letter = await letterFrom(page, person, "You are booked: 3 visits from");
  await expect(letter.locator("a[href*='/visit/']")).toHaveCount(visits);
});

test("a visit may be left out, and what was chosen is still chosen after coming back", async ({ page }) => {
  test.slow();
  await planThree(page);
  const last = page.locator("input[name='starts[3]']");
  // Somebody else may have the time: then leaving it out is one of the choices.
  if ((await last.first().getAttribute("type")) === "checkbox") await last.first().uncheck();
  else await last.last().check();
  await page.getByRole("button", { name: "Continue with these" }).click();
  await expect(page.getByText("And 1 more visit")).toBeVisible();
  await follow(page, page.getByRole("link", { name: "Change these visits" }), seriesPage);
  await expect(page.locator("input[name='starts[2]']").first()).toBeVisible();
  await expect(page.locator("input[name='starts[3]']")).toHaveCount(0);
  await page.locator("summary", { hasText: "Plan them anew" }).click();
  await expect(page.locator("#visits")).toHaveValue(String(visits));
});

test("twice a week asks for the second day, and only then where the browser can tell", async ({ page }) => {
  await openTimes(page, "physio-follow-up");
  await takeATime(page);
  await follow(page, page.getByRole("link", { name: "Book several visits at once" }), seriesPage);
  await page.locator("#every").check();
  await expect(page.locator("#day")).toBeHidden();
  await page.locator("#every_twice").check();
  await expect(page.locator("#day")).toBeVisible();
  await expectAccessible(page);
  await page.locator("#visits").selectOption("4");
  await page.getByRole("button", { name: "Show the times" }).click();
  await expect(page.locator("input[name='starts[4]']").first()).toBeVisible();
});

test("all visits are moved, then cancelled, together", async ({ page }) => {
  test.slow();
  const person = maya();
  await bookThree(page, person);
  const link = page.url();
  const before = await page.locator(".ticket .when").textContent();
  await follow(page, page.getByRole("link", { name: "Move all visits ahead" }), /\/series\/move$/);
  await expect(page.locator("h1")).toHaveText("Move all these visits?");
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
  await moveBySomeStep(page, link);
  await expect(page.locator(".ticket .when")).not.toHaveText(before ?? "");

  await follow(page, page.getByRole("link", { name: "Cancel all visits ahead" }), /\/series\/cancel$/);
  await expect(page.locator("h1")).toHaveText("Cancel all these visits?");
  await expectHeadingFocused(page);
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
  await page.getByRole("button", { name: "Cancel 3 visits" }).click();
  await arrive(page, visitPage);
  await expect(page.locator("h1")).toHaveText("This visit is cancelled");
  const listed = page.locator("section[aria-labelledby='visits'] .list > li");
  await expect(listed.filter({ hasText: "Cancelled" })).toHaveCount(visits - 1);
  await open(page, `${link}/series/cancel`);
  await expect(page.locator("h1")).toHaveText("None of these visits is ahead");
});

// Tries steps until one is free for all of them: other specs book at the same clinic.
async function moveBySomeStep(page: Page, link: string): Promise<void> {
  for (const minutes of ["30", "60", "-30", "90", "-60", "120"]) {
    await open(page, `${link}/series/move?days=0&minutes=${minutes}`);
    const button = page.getByRole("button", { name: "Move 3 visits" });
    if (!(await button.isVisible())) {
      await expect(page.getByText("Not every new time is free")).toBeVisible();
      continue;
    }
    await button.click();
    await arrive(page, visitPage);
    return;
  }
  throw new Error("no step is free for all of the visits");
}

test("a time that somebody else takes first is offered anew, and nothing typed is lost", async ({ page, newcomer }) => {
  test.slow();
  const person = maya();
  await planThree(page);
  const chosen = page.locator("input[name='starts[2]']").first();
  const [instant, practitioner] = ((await chosen.getAttribute("value")) ?? "").split("~");
  // Left out, it is free for others; then it is wanted after all, in a tab that still shows it.
  const tab = await page.context().newPage();
  await open(tab, page.url());
  if ((await chosen.getAttribute("type")) === "checkbox") await chosen.uncheck();
  else await page.locator("input[name='starts[2]']").last().check();
  await page.getByRole("button", { name: "Continue with these" }).click();
  await expect(page.getByText("And 1 more visit")).toBeVisible();
  await fill(page, person);
  await goOn(page);

  const rival = await newcomer();
  await open(rival, `/rowan-street/booking/physio-follow-up?practitioner=${practitioner}&from=${instant.slice(0, 10)}`);
  await rival.locator(`.day button[name=start][value="${instant}"]`).click();
  await expect(rival.locator("#name")).toBeVisible();

  await tab.getByRole("button", { name: "Continue with these" }).click();
  await expect(tab.locator("#answer")).toContainText("One of these times has just gone");
  await expect(tab.getByText("This time is not free. Choose another one:").first()).toBeVisible();
  await expectAccessible(tab);
  await tab.getByRole("button", { name: "Continue with these" }).click();
  await arrive(tab, checkPage);
  await expect(tab.locator("dl.summary")).toContainText(person.email);
});
