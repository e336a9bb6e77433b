// What the clinic does, and what its patients see of it and can do about it.
import {
  book,
  confirm,
  fillDetails,
  goOn,
  heldPage,
  letterFrom,
  openTimes,
  someone,
  takeATime,
  timeButtons,
  visitPage,
  type Time,
} from "./patient";
import { arrive, expect, expectAccessible, expectNoSidewaysScroll, follow, open, refused, reload, test, waitForHydration } from "./support";
import { appointment } from "./clinic";
import type { Page } from "@playwright/test";

test.use({ tolerated: refused });

async function number(page: Page): Promise<string> {
  const found = (await page.locator("main").textContent())?.match(/RS-[0-9A-Z]{6}/)?.[0];
  if (!found) throw new Error("the page names no booking number");
  return found;
}

// The wall of the clinic, a day later: the same hour is free there as often as not.
async function moveByADay(page: Page, time: Time): Promise<void> {
  const code = await number(page);
  for (let days = 1; days < 15; days += 1) {
    const day = new Date(Date.parse(time.instant) + days * 86_400_000);
    const wall = new Intl.DateTimeFormat("sv-SE", { timeZone: "Europe/London", dateStyle: "short", timeStyle: "short" });
    const moved = appointment("move", code, wall.format(day).replace(" ", "T"));
    if (await moved.then(() => true, () => false)) return;
  }
  throw new Error("no day of two weeks has that hour free");
}

test("a request is confirmed by staff and the patient is told", async ({ page }) => {
  test.slow();
  const person = someone();
  await book(page, "physio-after-surgery", person);
  await expect(page.locator("h1")).toHaveText("We have your request");
  const code = await number(page);
  expect((await appointment("requests")).join("\n")).toContain(code);
  await appointment("confirm", code);
  await reload(page);
  await expect(page.locator("h1")).toHaveText("You’re booked");
  await letterFrom(page, person, "You are booked");
});

test("a request is declined by staff, and the patient can choose another time", async ({ page }) => {
  test.slow();
  const person = someone();
  await book(page, "physio-after-surgery", person);
  await appointment("decline", await number(page));
  await reload(page);
  await expect(page.locator("h1")).toHaveText("We cannot give you this time");
  await expect(page.getByRole("link", { name: "Book another time" })).toBeVisible();
  await expectAccessible(page);
});

test("a visit that the clinic moves asks whether that works, and yes settles it", async ({ page }) => {
  test.slow();
  const person = someone();
  const time = await book(page, "physio-first", person);
  const visit = page.url();
  await moveByADay(page, time);
  await letterFrom(page, person, "We had to move your visit");
  await page.goto(visit);
  await waitForHydration(page);
  await expect(page.getByRole("heading", { name: "We had to move your visit" })).toBeVisible();
  await expect(page.getByText("It was")).toContainText(`${time.day}, ${time.time}`);
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
  await page.getByRole("button", { name: "That works" }).click();
  await expect(page.getByRole("heading", { name: "We had to move your visit" })).toHaveCount(0);
  await expect(page.locator("h1")).toHaveText("You’re booked");
});

test("a visit that the clinic cancels offers another time or a call", async ({ page }) => {
  test.slow();
  const person = someone();
  await book(page, "physio-first", person);
  const code = await number(page);
  await appointment("cancel", code);
  await reload(page);
  await expect(page.getByRole("heading", { name: "We had to cancel this visit" })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Call me" }).click();
  await expect(page.getByText("We will call you.")).toBeVisible();
  expect((await appointment("unsettled")).find((line) => line.includes(code))).toContain("ASKS FOR A CALL");
  await follow(page, page.getByRole("link", { name: "Choose another time" }), /\/booking\/physio-first/);
});

test("who is running late says so by one press, and the clinic is told", async ({ page }) => {
  test.slow();
  const person = someone();
  // One of the soonest of all: it begins within the hour. Each worker takes another one.
  await open(page, "/rowan-street/booking/night-dressing");
  await timeButtons(page).nth(test.info().parallelIndex).click();
  await arrive(page, heldPage);
  await fillDetails(page, person);
  await goOn(page);
  await confirm(page);
  await expect(page.getByRole("heading", { name: "Running late?" })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "10 minutes" }).click();
  await expect(page.getByText("We told the clinic that you will be about")).toContainText("10 minutes");
  const code = await number(page);
  await expect(async () => {
    expect(await (await page.request.get("/mailbox")).text()).toContain(`Running late: ${code}`);
  }).toPass({ timeout: 15_000 });
});

test("letters go to another address from now on", async ({ page }) => {
  test.slow();
  const [person, other] = [someone(), someone()];
  await openTimes(page, "physio-first");
  await takeATime(page);
  await fillDetails(page, person);
  await goOn(page);
  await confirm(page);
  const visit = page.url();
  await follow(page, page.getByRole("link", { name: "Change where letters go" }), /\/contact$/);
  await page.locator("#email").fill("nonsense@");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.locator("#to-fix")).toContainText("Check the email address");
  await expect(page.locator("#email")).toHaveValue("nonsense@");
  await page.locator("#email").fill(other.email);
  await page.getByRole("button", { name: "Save" }).click();
  await arrive(page, /\?saved=/);
  expect(page.url()).toContain(visit);
  await expect(page.getByRole("status").first()).toContainText(/Saved\. Letters about this visit go to m.*@example\.org/);
  await follow(page, page.getByRole("link", { name: "Cancel visit" }), /\/cancel$/);
  await page.getByRole("button", { name: "Cancel visit" }).click();
  await letterFrom(page, other, "Cancelled:");
});
