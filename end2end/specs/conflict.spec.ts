// Several people, tabs and presses at once: one time, one visit.
//
// A hold that runs out is made without waiting: a visitor keeps two times at most, so a third one
// ends their first.
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
  timeButton,
  timeButtons,
  visitPage,
} from "./patient";
import { arrive, expect, expectAccessible, hasScripts, open, refused, reload, test } from "./support";
import type { Page } from "@playwright/test";

test.use({ tolerated: refused });

// Ends the oldest time that this visitor keeps.
async function keepTwoOthers(page: Page): Promise<void> {
  const tab = await page.context().newPage();
  for (const treatment of ["flu-vaccine", "mole-check"]) {
    await openTimes(tab, treatment);
    await takeATime(tab);
  }
  await tab.close();
}

test("who comes second is told so kindly and takes another time", async ({ page, newcomer }) => {
  const second = await newcomer();
  await openTimes(page, "dental-first");
  const list = page.url();
  await open(second, list);
  const { instant } = await takeATime(page);
  await timeButton(second, instant).click();
  const answer = second.locator("#answer");
  await expect(answer).toContainText("Sorry, that time has just gone");
  await expect(answer).toContainText("You are not booked, and nothing has been charged.");
  if (hasScripts()) await expect(answer).toBeFocused();
  await expect(timeButton(second, instant), "it is no longer offered").toHaveCount(0);
  await expect(timeButtons(second).first()).toBeVisible();
  const other = await takeATime(second);
  expect(other.instant).not.toBe(instant);
});

test("a time of one's own is never in one's way, in two tabs neither", async ({ page }) => {
  await openTimes(page, "dental-first");
  const list = page.url();
  const { instant } = await takeATime(page);
  const held = page.url();
  const tab = await page.context().newPage();
  await open(tab, list);
  await timeButton(tab, instant).click();
  await arrive(tab, heldPage);
  expect(tab.url(), "the same time is the same hold").toBe(held);
});

test("a time that ran out and that somebody took is said at confirming, with the nearest others", async ({ page, newcomer }) => {
  const person = someone();
  await openTimes(page, "dental-first");
  const list = page.url();
  const lost = await takeATime(page);
  await fillDetails(page, person);
  await goOn(page);
  await keepTwoOthers(page);
  const quicker = await newcomer();
  await open(quicker, list);
  await timeButton(quicker, lost.instant).click();
  await arrive(quicker, heldPage);

  await mainButton(page).click();
  await expect(page.locator("h1")).toHaveText("Sorry, that time has just gone");
  if (hasScripts()) await expect(page.locator("h1")).toBeFocused();
  const main = page.locator("main");
  await expect(main).toContainText(`Someone else has ${lost.day}, ${lost.time} now.`);
  await expect(main).toContainText("You are not booked, and nothing has been charged. We kept all your details.");
  const nearest = page.locator("section[aria-labelledby=nearest] button[name=start]");
  await expect(nearest).toHaveCount(3);
  const instead = await nearest.first().locator("b").textContent();
  await nearest.first().click();
  await arrive(page, heldPage);
  await expectDetails(page, person);
  await goOn(page);
  await expect(page.locator("dl.summary")).toContainText(instead ?? "none");
  await confirm(page);
  await expectOneVisit(page, person);
});

test("a time that ran out and is still free is taken again with one press", async ({ page }) => {
  const person = someone();
  await openTimes(page, "dental-first");
  const { time } = await takeATime(page);
  await fillDetails(page, person);
  await goOn(page);
  await keepTwoOthers(page);
  await reload(page);
  await expect(page.locator("h1")).toHaveText(`We could not keep ${time} any longer`);
  await expect(page.getByText("It is still free. Your details are safe.")).toBeVisible();
  await page.getByRole("button", { name: "Take it again" }).click();
  await arrive(page, heldPage);
  await expect(page.getByText("We are keeping").first()).toContainText(time);
  await expectDetails(page, person);
});

test("a time that ran out unnoticed is booked all the same while nobody else has it", async ({ page }) => {
  const person = someone();
  await reachCheck(page, "dental-first", person);
  await keepTwoOthers(page);
  await confirm(page);
  await expectOneVisit(page, person);
});

test("a double tap on confirm books once", async ({ page }) => {
  const person = someone();
  await reachCheck(page, "flu-vaccine", person);
  await mainButton(page).dblclick({ delay: 20 });
  await arrive(page, visitPage);
  await expect(page.locator("h1")).toHaveText("You’re booked");
  await expectOneVisit(page, person);
});

test("two tabs confirm and both show the same visit", async ({ page }) => {
  const person = someone();
  await reachCheck(page, "flu-vaccine", person);
  const tab = await page.context().newPage();
  await open(tab, page.url());
  await Promise.all([mainButton(page).click(), mainButton(tab).click()]);
  await arrive(page, visitPage);
  await arrive(tab, visitPage);
  expect(tab.url()).toBe(page.url());
  await expectOneVisit(page, person);
});

test("a booked time's own pages lead to the visit", async ({ page }) => {
  const person = someone();
  await reachCheck(page, "flu-vaccine", person);
  const check = page.url();
  await confirm(page);
  const visit = page.url();
  await open(page, check);
  await expect(page.locator("h1")).toHaveText("You have booked this visit");
  await page.getByRole("link", { name: "See your visit" }).click();
  await arrive(page, visit);
});

test("what another browser began is continued by one press, and only there", async ({ page, newcomer }) => {
  const person = someone();
  await openTimes(page, "dental-first");
  await takeATime(page);
  await fillDetails(page, person);
  await goOn(page);
  const held = page.url().replace(/\/check.*$/, "");
  const second = await newcomer();
  await open(second, held);
  await expect(second.locator("h1")).toHaveText("This was begun in another browser");
  expect(await second.content(), "nothing typed is shown").not.toContain(person.name);
  await expectAccessible(second);
  await mainButton(second).click();
  await arrive(second, heldPage);
  expect(second.url(), "a link of its own").not.toBe(held);
  await expect(second.locator("#name")).toHaveValue(person.name);
  await expect(second.locator("#reason")).toHaveValue(person.reason);
  await expect(second.locator("#email"), "whose letters go where is theirs to say").toHaveValue("");
  await second.locator("#email").fill(person.email);
  await goOn(second);
  await confirm(second);
  await open(page, held);
  await expect(page.locator("h1"), "the other one does not learn of the visit").not.toHaveText(/booked/i);
});
