// A booked visit on its private page: moving it, cancelling it, coming back to it.
import {
  book,
  clinic,
  confirm,
  expectHeadingFocused,
  letterFrom,
  newTimes,
  reachCheck,
  someone,
  takeANewTime,
  visitPage,
} from "./patient";
import { arrive, expect, expectAccessible, expectNoSidewaysScroll, follow, hasScripts, open, refused, reload, test } from "./support";
import { calendarFrom, readCalendar } from "./calendar";
import { readFile } from "node:fs/promises";
import { sentence } from "./words";

test.use({ tolerated: refused });

test("a patient moves a visit and finds it again under the same link", async ({ page }) => {
  test.slow();
  const person = someone();
  const old = await book(page, "physio-first", person);
  const link = page.url();
  await follow(page, page.getByRole("link", { name: "Move visit" }), /\/visit\/[^/]+\/move/);
  await expect(page.locator("h1")).toHaveText("Choose a new time");
  await expectHeadingFocused(page);
  await expect(page.getByText("Your visit now:")).toContainText(`${old.day}, ${old.time}`);
  await expectAccessible(page);

  const time = await takeANewTime(page);
  await expect(page.locator("h1")).toHaveText("Move your visit?");
  const compared = page.locator("dl.summary");
  await expect(compared).toContainText(`${old.day}, ${old.time}`);
  await expect(compared).toContainText(`${time.day}, ${time.time}`);
  await expect(page.getByText("Moving is free.")).toBeVisible();
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
  await page.getByRole("button", { name: "Move my visit" }).click();

  await arrive(page, visitPage);
  expect(page.url()).toBe(link);
  await expect(page.locator(".ticket .when")).toHaveText(`${time.day}, ${time.time}`);
  const arriving = page.waitForEvent("download");
  await page.getByRole("link", { name: "Add to calendar" }).click();
  const entry = await readFile(await (await arriving).path(), "utf8");
  expect(readCalendar(entry).uid).toMatch(/^[0-9a-f-]{36}@/);
  expect(entry).toContain("SEQUENCE:1");

  const letter = await letterFrom(page, person, "Your visit has moved");
  await expect(letter).toContainText(`${time.day}, ${time.time}`);
  await expect(letter).toContainText(`${old.day}, ${old.time}`);
  const sent = await calendarFrom(page);
  expect([sent.method, sent.sequence, sent.uid]).toEqual(["REQUEST", 1, readCalendar(entry).uid]);
});

test("a page that shows an older state of the visit moves nothing and says so", async ({ page, context }) => {
  test.slow();
  const person = someone();
  await book(page, "physio-first", person);
  const link = page.url();
  const other = await context.newPage();
  await open(other, `${link}/move`);
  const seen = await takeANewTime(other);
  await open(page, `${link}/move`);
  const time = await takeANewTime(page, seen.instant);
  await page.getByRole("button", { name: "Move my visit" }).click();
  await arrive(page, visitPage);

  await other.getByRole("button", { name: "Move my visit" }).click();
  await expect(other.locator("#answer")).toContainText("Something about this visit has changed");
  await expect(other.locator("dl.summary")).toContainText(`${time.day}, ${time.time}`);
  await reload(page);
  await expect(page.locator(".ticket .when")).toHaveText(`${time.day}, ${time.time}`);
});

test("a new time that somebody else takes first leaves the visit as it was", async ({ page, newcomer }) => {
  test.slow();
  const old = await book(page, "physio-first", someone());
  await open(page, `${page.url()}/move`);
  // With one person only, so that nobody else is free instead.
  const person = page.locator(".pick a[href*='practitioner=']").first();
  await page.locator(".pick summary").first().click();
  await follow(page, person, /practitioner=/);
  const time = await takeANewTime(page);
  const practitioner = new URL(page.url()).searchParams.get("practitioner");
  const rival = await newcomer();
  await open(rival, `${clinic}/booking/physio-first?practitioner=${practitioner}&from=${time.instant.slice(0, 10)}`);
  await rival.locator(`.day button[name=start][value="${time.instant}"]`).click();
  await expect(rival.locator("#name")).toBeVisible();

  await page.getByRole("button", { name: "Move my visit" }).click();
  await expect(page.locator("h1")).toHaveText("Sorry, that time has just gone");
  await expect(page.getByText("Nothing has changed")).toContainText(`${old.day}, ${old.time}`);
  await expect(newTimes(page).first()).toBeVisible();
});

test("a patient cancels a visit, is offered to move it first, and can book again", async ({ page, newcomer }) => {
  test.slow();
  const person = someone();
  const old = await book(page, "physio-first", person);
  const link = page.url();
  await follow(page, page.getByRole("link", { name: "Cancel visit" }), /\/cancel$/);
  await expect(page.locator("h1")).toHaveText("Cancel this visit?");
  await expectHeadingFocused(page);
  await expect(page.getByText("Cancelling is free until")).toBeVisible();
  await expect(page.getByRole("link", { name: "Move it instead" })).toBeVisible();
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
  await page.getByLabel("The time does not suit me").check();
  await page.locator("#reason").fill("My train & “strike” <now>");
  await page.getByRole("button", { name: "Cancel visit" }).click();

  await arrive(page, visitPage);
  await expect(page.locator("h1")).toHaveText("This visit is cancelled");
  await expect(page.getByRole("link", { name: "Book another time" })).toBeVisible();
  await expect(page.getByRole("link", { name: "Cancel visit" })).toHaveCount(0);
  await expectAccessible(page);
  await expect(await letterFrom(page, person, "Cancelled:")).toContainText(`${old.day}, ${old.time}`);

  // The time is there for the next one.
  const next = await newcomer();
  await open(next, `${clinic}/booking/physio-first?from=${old.instant.slice(0, 10)}`);
  await expect(next.locator(`.day button[name=start][value="${old.instant}"]`)).toBeVisible();

  await open(page, `${link}/cancel`);
  await expect(page.locator("h1")).toHaveText("This visit is cancelled");
  await expect(page.locator("main form button")).toHaveCount(0);
});

test.describe("a reason that is too long", () => {

  test("a reason for cancelling that is too long is kept, and nothing is cancelled", async ({ page }) => {
    await book(page, "physio-first", someone());
    const link = page.url();
    await open(page, `${link}/cancel`);
    const reason = "because ".repeat(260);
    await page.locator("#reason").fill(reason);
    await page.getByLabel("The cost").check();
    await page.getByRole("button", { name: "Cancel visit" }).click();
    await expect(page.locator("#to-fix")).toContainText("Shorten the text");
    await expect(page.locator("#reason")).toHaveValue(reason);
    await expect(page.getByLabel("The cost")).toBeChecked();
    await open(page, link);
    await expect(page.locator("h1")).toHaveText("You’re booked");
  });
});

test.describe("a link that leads nowhere", () => {
  test.use({ tolerated: refused });

  test("who lost the link of a visit gets it again at the address on file", async ({ page, newcomer }) => {
    test.slow();
    const person = someone();
    await book(page, "physio-first", person);
    const link = new URL(page.url()).pathname;
    const elsewhere = await newcomer();
    await elsewhere.goto(`${link.slice(0, -4)}AAAA`);
    await expect(elsewhere.locator("h1")).toHaveText("This link does not open a visit");
    await expectAccessible(elsewhere);
    await follow(elsewhere, elsewhere.getByRole("link", { name: "Send me a new link" }), `${clinic}/visit`);
    await expectAccessible(elsewhere);
    await elsewhere.locator("#contact").fill("maya@");
    await elsewhere.getByRole("button", { name: "Send the links" }).click();
    await expect(elsewhere.locator("#to-fix")).toContainText("Give us an email address");
    await expect(elsewhere.locator("#contact"), "what was typed is kept").toHaveValue("maya@");
    for (const contact of [`nobody.${person.email}`, person.email.toUpperCase()]) {
      await elsewhere.locator("#contact").fill(contact);
      await elsewhere.getByRole("button", { name: "Send the links" }).click();
      await expect(elsewhere.locator("h1"), "the same for everybody").toHaveText("Look at your messages");
      await expect(elsewhere.getByText("If this address has visits ahead")).toBeVisible();
      await open(elsewhere, `${clinic}/visit`);
      await expect(elsewhere.locator("#contact"), "what was mended is not shown again").toHaveValue("");
    }
    const letter = await letterFrom(elsewhere, person, "The links you asked for");
    await expect(letter).toContainText(link);
  });
});

for (const tag of ["es", "de", "ar"]) {
  test(`moving and cancelling speak ${tag}`, async ({ page }) => {
    await reachCheck(page, "physio-first", someone());
    await confirm(page);
    const link = page.url();
    await open(page, `${link}?lang=${tag}`);
    await follow(page, page.getByRole("link", { name: sentence(tag, "visit.move") }), /\/move/);
    await expect(page.locator("h1")).toHaveText(sentence(tag, "move.times"));
    await takeANewTime(page);
    await page.getByRole("button", { name: sentence(tag, "move.confirm") }).click();
    await arrive(page, visitPage);
    await follow(page, page.getByRole("link", { name: sentence(tag, "visit.cancel") }), /\/cancel$/);
    await expectNoSidewaysScroll(page);
    // The new time may be so near that the button names a fee.
    await page.locator("main form .btn.bad").click();
    await arrive(page, visitPage);
    await expect(page.locator("h1")).toHaveText(sentence(tag, "visit.cancelled"));
    if (hasScripts()) await expectAccessible(page);
  });
}
