// The network fails at the worst moment: nothing typed is lost, trying again is harmless, and the
// page says what to do.
import {
  confirm,
  expectDetails,
  expectOneVisit,
  fillDetails,
  goOn,
  heldPage,
  mainButton,
  openTimes,
  reachCheck,
  someone,
  takeATime,
  timeButtons,
  visitPage,
} from "./patient";
import { arrive, cutOff, expect, hasScripts, reload, test } from "./support";
import type { Page, Route } from "@playwright/test";

test.use({ tolerated: cutOff });

// The server does what it is asked; its answer gets lost on the way. Once.
async function loseTheAnswer(page: Page, endpoint: string): Promise<void> {
  const lose = async (route: Route) => {
    await route.fetch({ maxRedirects: 0 });
    await route.abort("failed");
  };
  await page.route(endpoint, lose, { times: 1 });
}

test("without a network at confirming the page says what to do, and a second press books @wasm", async ({ page, context }) => {
  const person = someone();
  await reachCheck(page, "flu-vaccine", person);
  await context.setOffline(true);
  await mainButton(page).click();
  const answer = page.locator("#answer");
  await expect(answer).toContainText("Sorry, something went wrong");
  await expect(answer).toContainText("We do not know yet if your booking went through. Nothing you typed is lost.");
  await expect(answer).toContainText("Press the button again. You cannot be booked twice.");
  await expect(answer).toBeFocused();
  await expect(page.locator("dl.summary")).toContainText(person.email);
  await context.setOffline(false);
  await confirm(page);
  await expectOneVisit(page, person);
});

test("when the answer to confirming is lost, trying again shows the one visit", async ({ page }) => {
  const person = someone();
  await reachCheck(page, "flu-vaccine", person);
  const check = page.url();
  await loseTheAnswer(page, "**/api/booking/confirm*");
  if (hasScripts()) {
    await mainButton(page).click();
    await expect(page.locator("#answer")).toContainText("Press the button again. You cannot be booked twice.");
    await confirm(page);
  } else {
    // The browser shows its own page about the network; the way back leads to the visit.
    await mainButton(page).click({ noWaitAfter: true });
    await expect(page).not.toHaveURL(check);
    await page.goto(check);
    await expect(page.locator("h1")).toHaveText("You have booked this visit");
    await page.getByRole("link", { name: "See your visit" }).click();
    await arrive(page, visitPage);
  }
  const visit = page.url();
  await expectOneVisit(page, person);
  await page.goto(check);
  await expect(page.getByRole("link", { name: "See your visit" })).toHaveAttribute("href", new URL(visit).pathname);
});

test("when the answer to choosing a time is lost, the same press again goes on @wasm", async ({ page }) => {
  await openTimes(page, "flu-vaccine");
  await loseTheAnswer(page, "**/api/booking/hold*");
  const button = timeButtons(page).first();
  await button.click();
  const answer = page.locator("#answer");
  await expect(answer).toContainText("Sorry, something went wrong");
  await expect(answer).toContainText("Try again.");
  await expect(answer, "on a phone it is above the window").toBeFocused();
  await button.click();
  await arrive(page, heldPage);
});

test("when more days do not arrive, the page says so where the reader is, and asks again @wasm", async ({ page, context }) => {
  await openTimes(page, "physio-first");
  await context.setOffline(true);
  await page.getByRole("link", { name: "Show more days" }).click();
  await expect(page.locator("h1")).toHaveText("Sorry, something went wrong");
  await expect(page.locator("h1"), "the link that was pressed is gone").toBeFocused();
  await context.setOffline(false);
  await page.getByRole("link", { name: "Try again" }).click();
  await expect(timeButtons(page).first()).toBeVisible();
});

test("when sending the details fails, everything stays in the form and can be sent again @wasm", async ({ page, context }) => {
  const person = someone();
  await openTimes(page, "flu-vaccine");
  await takeATime(page);
  await fillDetails(page, person);
  await context.setOffline(true);
  await mainButton(page).click();
  await expect(page.getByRole("alert")).toContainText("Nothing you typed is lost. Try again in a moment.");
  await expectDetails(page, person);
  await context.setOffline(false);
  await goOn(page);
  await expect(page.locator("dl.summary")).toContainText(person.email);
});

test("when the answer to the details is lost, they are kept all the same", async ({ page }) => {
  const person = someone();
  await openTimes(page, "flu-vaccine");
  await takeATime(page);
  const details = page.url();
  await fillDetails(page, person);
  await loseTheAnswer(page, "**/api/booking/describe*");
  await mainButton(page).click({ noWaitAfter: true });
  if (hasScripts()) await expect(page.getByRole("alert")).toContainText("Nothing you typed is lost.");
  else await expect(page).not.toHaveURL(details);
  await page.goto(details);
  await expectDetails(page, person);
});

test("typing without a network says that it is not saved, and saves once it is back @wasm", async ({ page, context }) => {
  const person = someone();
  await openTimes(page, "flu-vaccine");
  await takeATime(page);
  await context.setOffline(true);
  await fillDetails(page, person);
  await expect(page.getByRole("status")).toHaveText("Not saved");
  await context.setOffline(false);
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("status")).toHaveText("Saved");
  await reload(page);
  await expectDetails(page, person);
});
