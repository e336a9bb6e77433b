// A patient books a visit: the whole way, and what differs between treatments.
import {
  aDayAhead,
  clinic,
  confirm,
  expectDetails,
  expectOneVisit,
  fillDetails,
  goOn,
  heldPage,
  letters,
  mainButton,
  openTimes,
  reachCheck,
  someone,
  takeATime,
  timeButton,
  visitPage,
} from "./patient";
import { arrive, expect, expectAccessible, follow, hasScripts, open, refused, reload, test } from "./support";
import { calendarFrom, readCalendar } from "./calendar";
import type { Locator, Page, Route } from "@playwright/test";
import { readFile } from "node:fs/promises";

test("a patient books a visit, keeps it in a calendar and finds it again from a letter", async ({ page, baseURL }) => {
  const foreign: string[] = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(baseURL ?? "")) foreign.push(request.url());
  });
  const person = someone();

  await open(page, clinic);
  await follow(page, page.getByRole("link", { name: "Book a visit" }), `${clinic}/booking`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("What do you need?");
  await follow(page, page.getByRole("link", { name: "Flu vaccine" }), `${clinic}/booking/flu-vaccine`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Choose a time");
  await expect(page.getByText("Times are in London time")).toBeVisible();
  expect(await page.context().cookies(), "no cookie before a time is held").toEqual([]);

  await follow(page, page.getByRole("link", { name: "Show more days" }), /from=/);
  const { time, day, instant } = await takeATime(page);
  await expect(page.locator("h1")).toHaveText("Your details");
  await expect(page.getByText("We are keeping").first()).toContainText(`${day}, ${time}`);
  const cookies = await page.context().cookies();
  expect(cookies).toMatchObject([{ name: "__Host-visitor", httpOnly: true, secure: true, sameSite: "Lax" }]);

  await fillDetails(page, person);
  await goOn(page);
  await expect(page.locator("h1")).toHaveText("Check and confirm");
  await expect(page.getByText("You are not booked yet.")).toBeVisible();
  const answers = page.locator("dl.summary");
  const said = [`${day}, ${time}`, "Flu vaccine", "Priya Nair", "Rowan Street", person.name, person.email, person.reason];
  for (const answer of said) await expect(answers).toContainText(answer);
  await expect(page.getByText("Cost: £18.50.")).toBeVisible();

  await confirm(page);
  await expect(page.locator("h1")).toHaveText("You’re booked");
  await expect(page.locator(".ticket .when")).toHaveText(`${day}, ${time}`);
  await expect(page.getByText(`Booked for ${person.name}.`)).toBeVisible();
  const number = (await page.getByText(/RS-[0-9A-Z]{6}/).first().textContent())?.match(/RS-[0-9A-Z]{6}/)?.[0] ?? "none";

  const arriving = page.waitForEvent("download");
  await page.getByRole("link", { name: "Add to calendar" }).click();
  const file = await (await arriving).path();
  const visit = readCalendar(await readFile(file, "utf8"));
  expect(visit.uid).toMatch(/^[0-9a-f-]{36}@/);
  expect(visit.zone).toBe("Europe/London");
  expect(visit.zones).toContain("Europe/London");
  expect(visit.start).toBe(wallClock(instant, "Europe/London"));
  expect(visit.begins).toBe(new Date(instant).toISOString());
  expect(visit.text, "a calendar is shared: nothing about health").not.toContain("Flu");

  const [letter, ...more] = await letters(page, person);
  expect(more).toEqual([]);
  await page.goto(letter);
  await expect(page.locator("h1")).toHaveText(`You are booked: ${day}, ${time}`);
  await expect(page.getByText(number)).toBeVisible();
  const sent = await calendarFrom(page);
  expect([sent.method, sent.uid, sent.begins]).toEqual(["REQUEST", visit.uid, visit.begins]);
  await page.getByRole("link", { name: /\/visit\// }).click();
  await arrive(page, visitPage);
  await expect(page.locator(".ticket .when")).toHaveText(`${day}, ${time}`);
  await expect(page.getByText(number)).toBeVisible();
  expect(foreign, "nothing is asked of another host").toEqual([]);
});

// "20260312T092000": how a calendar file writes the clock on the wall.
function wallClock(instant: string, zone: string): string {
  const there = new Date(instant).toLocaleString("sv-SE", { timeZone: zone });
  return there.replace(" ", "T").replace(/[-:]/g, "");
}

test.describe("a form with mistakes", () => {
  test.use({ tolerated: refused });

  test("somebody books for a child and the letter goes to who booked", async ({ page }) => {
    const person = someone();
    await openTimes(page, "flu-vaccine");
    await takeATime(page);
    await fillDetails(page, person);
    await page.getByLabel("Someone I care for").check();
    await goOnAndExpectError(page, "Tell us your own name");
    await expectDetails(page, person);
    await page.getByLabel("Your own name").fill("Omar Haddad");
    await goOn(page);
    await expect(page.locator("dl.summary")).toContainText("Omar Haddad");
    await confirm(page);
    await expect(page.getByText(`Booked for ${person.name}.`)).toBeVisible();
    const [letter] = await letters(page, person);
    await page.goto(letter);
    await expect(page.getByText("Hello Omar Haddad,")).toBeVisible();
    await expect(page.getByText(`For ${person.name}`)).toBeVisible();
  });

  test("what is wrong with a form is said at its top, linked, and nothing typed is lost", async ({ page }) => {
    await openTimes(page, "flu-vaccine");
    await takeATime(page);
    await expect(page).toHaveTitle(/^Your details/);
    await goOnAndExpectError(page, "There are 3 things to fix");
    await expect(page).toHaveTitle(/^Error/);
    if (hasScripts()) await expect(page.locator("#to-fix")).toBeFocused();
    const problems = page.locator("#to-fix li a");
    const missing = ["Tell us the full name", "Tell us the date of birth", "Give us an email address or a mobile number"];
    await expect(problems).toHaveText(missing);
    await problems.first().click();
    await expect(page.locator("#name")).toBeFocused();
    // Not even what is being saved holds a step within the page up.
    await page.route("**/api/booking/keep*", (route) => new Promise((done) => setTimeout(done, 2500)).then(() => route.continue()), { times: 1 });
    await page.locator("#name").fill("Maya");
    await problems.last().click();
    await expect(page.locator("#email")).toBeFocused({ timeout: 1500 });

    const person = { ...someone(), month: "13", email: "maya@" };
    await fillDetails(page, person);
    await goOnAndExpectError(page, "There are 2 things to fix");
    await expect(problems).toHaveText([/^Check the month/, /^Check the email address/]);
    await expect(page.locator("#birth_month")).toHaveAttribute("aria-invalid", "true");
    await expect(page.locator("#email")).toHaveAccessibleDescription(/Check the email address/);
    await expect(page.locator("#name")).not.toHaveAttribute("aria-invalid");
    await expectDetails(page, person);
    await reload(page);
    await expectDetails(page, person);

    await page.locator("#birth_month").fill("Nov");
    await page.locator("#email").fill(someone().email);
    await goOn(page);
    await expect(page).not.toHaveTitle(/^Error/);
  });

  test("a treatment for known patients is refused kindly to a stranger, and what they typed is kept", async ({ page }) => {
    const person = someone();
    await openTimes(page, "dental-clean");
    await expect(page.getByText("For patients who have been here before")).toBeVisible();
    await takeATime(page);
    await fillDetails(page, person);
    await mainButton(page).click();
    const answer = page.locator("#answer");
    await expect(answer).toContainText("This visit is not for everyone");
    await expect(answer).toContainText("Call us and we will find the right one.");
    await expect(answer).toHaveRole("alert");
    if (hasScripts()) await expect(answer).toBeFocused();
    await expect(page).toHaveURL(heldPage);
    await expectDetails(page, person);
    await reload(page);
    await expectDetails(page, person);
  });
});

// The form comes back with this among what is to be mended.
async function goOnAndExpectError(page: Page, words: string): Promise<void> {
  await mainButton(page).click();
  await expect(page.locator("#to-fix")).toContainText(words);
  await expect(page).toHaveURL(heldPage);
}

test("a visit on request says that it is not booked yet and by when we answer", async ({ page }) => {
  const person = someone();
  const { time, day } = await reachCheck(page, "physio-after-surgery", person);
  await expect(page.locator("h1")).toHaveText("Check and send");
  await expect(page.getByText(/answer by .+\. We keep this time for you until then/)).toBeVisible();
  await expect(mainButton(page)).toHaveText("Send request");
  await confirm(page);
  await expect(page.locator("h1")).toHaveText("We have your request");
  await expect(page.getByText("Not booked yet")).toBeVisible();
  await expect(page.locator(".timeline")).toContainText(/By .+\. We keep the time for you until then\./);
  await expect(page.getByRole("link", { name: "Add to calendar" })).toHaveCount(0);
  const [letter] = await letters(page, person);
  await page.goto(letter);
  await expect(page.locator("h1")).toHaveText(`Not booked yet: your request for ${day}, ${time}`);
});

test("a place in a group class is taken, and the next person sees one place less", async ({ page, newcomer }) => {
  const person = someone();
  // Classes are planned for eight weeks only.
  await open(page, `${clinic}/booking/back-class?from=${aDayAhead(35)}`);
  await expect(page.getByText("Group class")).toBeVisible();
  const list = page.url();
  const { instant } = await takeATime(page);
  const other = await newcomer();
  await open(other, list);
  const left = await seats(timeButton(other, instant));
  await fillDetails(page, person);
  await goOn(page);
  await confirm(page);
  await expectOneVisit(page, person);
  await reload(other);
  expect(await seats(timeButton(other, instant)), "a held place is as good as taken").toBe(left);
  await timeButton(other, instant).click();
  await expect(other.locator("h1")).toHaveText("Your details");
  const third = await newcomer();
  await open(third, list);
  expect(await seats(timeButton(third, instant))).toBe(left - 1);
});

async function seats(button: Locator): Promise<number> {
  const text = await button.locator("small", { hasText: /places? left/ }).textContent();
  return Number.parseInt(text ?? "", 10);
}

test("changing the time from the check page keeps everything typed", async ({ page }) => {
  const person = someone();
  const before = await reachCheck(page, "flu-vaccine", person);
  await follow(page, page.getByRole("link", { name: "Change time" }), /replaces=/);
  await expect(page.getByText("Pick another time. We kept all your details.")).toBeVisible();
  await follow(page, page.getByRole("link", { name: "Show more days" }), /replaces=.*from=/);
  const after = await takeATime(page);
  expect(after.instant).not.toBe(before.instant);
  await expectDetails(page, person);
  await goOn(page);
  await expect(page.locator("dl.summary")).toContainText(`${after.day}, ${after.time}`);
  await confirm(page);
  await expect(page.locator(".ticket .when")).toHaveText(`${after.day}, ${after.time}`);
});

test("changing the person from the check page keeps everything typed", async ({ page }) => {
  const person = someone();
  await openTimes(page, "physio-first", "&practitioner=tom-ferreira");
  await takeATime(page);
  await fillDetails(page, person);
  await goOn(page);
  await follow(page, page.getByRole("link", { name: "Change person" }), /replaces=/);
  await page.locator(".picks summary", { hasText: "Who with" }).click();
  await follow(page, page.locator(".picks").getByRole("link", { name: /^Jonas Weber/ }), /practitioner=jonas-weber/);
  await follow(page, page.getByRole("link", { name: "Show more days" }), /from=/);
  await takeATime(page);
  await expectDetails(page, person);
  await goOn(page);
  await expect(page.locator("dl.summary")).toContainText("Jonas Weber");
  await expect(page.locator("dl.summary")).not.toContainText("Tom Ferreira");
});

test("back, forward and reload keep what was typed", async ({ page }) => {
  const person = someone();
  await reachCheck(page, "flu-vaccine", person);
  await page.goBack();
  await arrive(page, heldPage);
  await expectDetails(page, person);
  await reload(page);
  await expectDetails(page, person);
  await page.goForward();
  await expect(page.locator("dl.summary")).toContainText(person.email);
  await reload(page);
  await expect(page.locator("dl.summary")).toContainText(person.email);
});

test("what is typed is saved a moment later, and still there after back and forward @wasm", async ({ page }) => {
  const person = someone();
  await openTimes(page, "flu-vaccine");
  await takeATime(page);
  await fillDetails(page, person);
  await expect(page.getByRole("status")).toHaveText("Saved");
  await page.locator("#reason").pressSequentially(" and stairs");
  const typed = { ...person, reason: `${person.reason} and stairs` };
  await page.waitForResponse((response) => response.url().includes("/api/booking/keep") && response.ok());
  await page.goBack();
  await expect(page).toHaveURL(/\/booking\/flu-vaccine/);
  await page.goForward();
  await arrive(page, heldPage);
  await expectDetails(page, typed);
  await reload(page);
  await expectDetails(page, typed);
});

test("who goes back in the middle of a word loses nothing @wasm", async ({ page }) => {
  const person = someone();
  await openTimes(page, "flu-vaccine");
  await takeATime(page);
  await fillDetails(page, person);
  await expect(page.getByRole("status")).toHaveText("Saved");
  await page.locator("#reason").pressSequentially(" and st");
  await page.goBack();
  await expect(page).toHaveURL(/\/booking\/flu-vaccine/);
  await page.goForward();
  await arrive(page, heldPage);
  await expectDetails(page, { ...person, reason: `${person.reason} and st` });
});

test("a saving that is slow does not overwrite what was typed after it @wasm", async ({ page }) => {
  const person = someone();
  await openTimes(page, "flu-vaccine");
  await takeATime(page);
  await fillDetails(page, person);
  await expect(page.getByRole("status")).toHaveText("Saved");
  const slowly = async (route: Route): Promise<void> => {
    await new Promise((done) => setTimeout(done, 2500));
    await route.continue();
  };
  await page.route("**/api/booking/keep*", slowly, { times: 1 });
  await page.locator("#reason").pressSequentially(" and");
  await page.locator("#reason").blur();
  await page.locator("#reason").pressSequentially(" stairs");
  await page.goBack();
  await expect(page).toHaveURL(/\/booking\/flu-vaccine/);
  await page.goForward();
  await arrive(page, heldPage);
  await expectDetails(page, { ...person, reason: `${person.reason} and stairs` });
});

test("giving a time back makes it free for others at once", async ({ page, newcomer }) => {
  await openTimes(page, "dental-first");
  const list = page.url();
  const { instant } = await takeATime(page);
  const other = await newcomer();
  await open(other, list);
  await expect(timeButton(other, instant)).toHaveCount(0);
  await page.getByRole("button", { name: "Give this time back" }).click();
  await arrive(page, `${clinic}/booking`);
  await reload(other);
  await expect(timeButton(other, instant)).toHaveCount(1);
});

test("a link from a directory opens at exactly its time, or says that it is gone", async ({ page, newcomer }) => {
  const slots = (await (await page.request.get("/rowan-street/fhir/slot.ndjson")).text()).trim().split("\n");
  const found = slots.map((line) => JSON.parse(line) as { start: string; extension: { valueUrl?: string }[] });
  // Before the weeks in which other specs book.
  const soon = found.filter(({ start }) => Date.parse(start) < Date.now() + 12 * 86_400_000);
  const links = soon.map(({ extension }) => extension.map(({ valueUrl }) => valueUrl ?? "").find(Boolean) ?? "");
  const physio = links.filter((link) => link.includes("/booking/physio-first?"));
  const address = new URL(physio[Math.floor(Math.random() * physio.length)]);
  await open(page, `${address.pathname}${address.search}&source=directory`);
  await expect(page.locator("#soonest")).toHaveText("The time you picked");
  await expectAccessible(page);
  const taken = page.getByRole("button", { name: "Take this time" });
  await expect(taken).toHaveAttribute("value", address.searchParams.get("start") ?? "");

  address.searchParams.set("start", "2020-01-01T00:00:00Z");
  const late = await newcomer();
  await open(late, address.pathname + address.search);
  await expect(late.getByText("Sorry, that time has just gone")).toBeVisible();
  await expect(late.locator(".day button[name=start]").first()).toBeVisible();
});
