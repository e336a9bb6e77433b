// Waiting for a time: getting on the list, a time on offer, yes and no.
import { book, clinic, expectHeadingFocused, fillDetails, letterFrom, openTimes, someone, visitPage } from "./patient";
import { arrive, expect, expectAccessible, expectNoSidewaysScroll, follow, open, refused, reload, test, waitForHydration } from "./support";
import { sentence } from "./words";
import type { Page } from "@playwright/test";

test.use({ tolerated: refused });

const entryPage = /\/waitlist\/[^/?#]+/;
const offerPage = /\/offer\/[^/?#]+/;

// Presses a form's only button, by the address that it sends to.
async function press(page: Page, endpoint: string): Promise<void> {
  await page.locator(`form[action*="${endpoint}"] button`).last().click();
}

// The list as it is now: an offer is made a moment after somebody joins.
async function untilOffered(page: Page): Promise<void> {
  await expect(async () => {
    await reload(page);
    await expect(page.locator("a[href*='/offer/']")).toBeVisible({ timeout: 500 });
  }).toPass({ timeout: 20_000 });
}

test("a patient with a visit is offered an earlier time by letter and takes it under the same link", async ({ page }) => {
  test.slow();
  const person = someone();
  const old = await book(page, "physio-first", person);
  const visit = page.url();
  await press(page, "waitlist/begin");
  await arrive(page, entryPage);
  await expect(page.locator("h1")).toHaveText("Tell me if an earlier time comes free");
  await expectHeadingFocused(page);
  await expect(page.getByText("Your visit stays on")).toContainText(`${old.day}, ${old.time}`);
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
  await press(page, "waitlist/join");
  await expect(page.locator("h1")).toHaveText("You are on the waiting list");
  await expectAccessible(page);

  const letter = await letterFrom(page, person, "A time for you");
  await follow(page, letter.locator("a[href*='/offer/']").first(), offerPage);
  await expect(page.locator("h1")).toHaveText("A time for you");
  await expect(page.locator("dl.summary")).toContainText(`${old.day}, ${old.time}`);
  await expect(page.getByText("We keep this time for you until")).toBeVisible();
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
  const offer = page.url();
  const offered = await page.locator("dl.summary strong").textContent();
  await press(page, "waitlist/take");
  await arrive(page, visitPage);
  expect(page.url()).toBe(visit);
  await expect(page.locator(".ticket .when")).toHaveText(offered ?? "");

  // A second look at the offer leads to the visit, and takes nothing twice.
  await open(page, new URL(offer).pathname);
  await expect(page.locator("h1")).toHaveText("This time is yours");
  await expectAccessible(page);
});

test("a patient without a visit mends their details, joins, says no, and leaves the list", async ({ page }) => {
  test.slow();
  const person = someone();
  await openTimes(page, "physio-first");
  await press(page, "waitlist/begin");
  await arrive(page, entryPage);
  await fillDetails(page, { ...person, email: "maya@" });
  await page.locator("#thu").check();
  await page.locator("#morning").check();
  await press(page, "waitlist/join");
  await expect(page.locator("#to-fix")).toContainText("Check the email address");
  await expect(page.locator("#name")).toHaveValue(person.name);
  await expect(page.locator("#reason")).toHaveValue(person.reason);
  await expect(page.locator("#thu")).toBeChecked();
  await expect(page.locator("#fri")).not.toBeChecked();
  await expectAccessible(page);
  await page.locator("#email").fill(person.email);
  await press(page, "waitlist/join");
  await expect(page.locator("h1")).toHaveText("You are on the waiting list");
  await letterFrom(page, person, "You are on the waiting list");

  const back = page.locator("main a[href*='/waitlist/']").first();
  await follow(page, back, entryPage);
  const place = page.url();
  await untilOffered(page);
  await follow(page, page.locator("a[href*='/offer/']"), offerPage);
  await press(page, "waitlist/decline");
  await expect(page.locator("h1")).toHaveText("You said no to this time");
  await expect(page.getByText("You are still on the waiting list")).toBeVisible();
  await expectAccessible(page);

  await open(page, new URL(place).pathname);
  await press(page, "waitlist/leave");
  await expect(page.locator("h1")).toHaveText("You are not on the waiting list");
  await expectAccessible(page);
});

test("what is typed for the waiting list is kept while it is typed @wasm", async ({ page }) => {
  await openTimes(page, "physio-first");
  await press(page, "waitlist/begin");
  await arrive(page, entryPage);
  await page.locator("#thu").check();
  const kept = page.waitForResponse((answer) => (answer.request().postData() ?? "").includes("Maya"));
  await page.locator("#name").pressSequentially("Maya Had");
  await kept;
  await expect(page.getByRole("status")).toHaveText("Saved");
  await reload(page);
  await expect(page.locator("#name")).toHaveValue("Maya Had");
  await expect(page.locator("#thu")).toBeChecked();
  await expect(page.locator("#to-fix"), "nobody is told of mistakes while they type").toHaveCount(0);
  await page.locator("#reason").pressSequentially("It hurts in my left kn");
  await page.getByRole("navigation").getByRole("link", { name: "Deutsch" }).click();
  await arrive(page, /lang=de/);
  await expect(page.locator("#reason")).toHaveValue("It hurts in my left kn");
  await expectAccessible(page);
});

for (const language of ["es", "de", "ar"] as const) {
  test(`the waiting list speaks ${language}`, async ({ page }) => {
    await openTimes(page, "physio-first", `&lang=${language}`);
    await press(page, "waitlist/begin");
    await arrive(page, entryPage);
    await expect(page.locator("h1")).toHaveText(sentence(language, "waitlist.title"));
    await expect(page.locator("html")).toHaveAttribute("lang", language);
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
  });
}

test("a link that opens no place on the list and no offer says what to do", async ({ page }) => {
  for (const address of ["waitlist", "offer"]) {
    await page.goto(`${clinic}/${address}/nonsense`);
    await waitForHydration(page);
    await expect(page.locator("h1")).toHaveText("This link does not open a visit");
    await expectAccessible(page);
  }
});
