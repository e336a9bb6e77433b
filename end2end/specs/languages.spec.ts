// The whole way in every language: nothing is left in English, and Arabic runs right to left.
import {
  clinic,
  confirm,
  fillDetails,
  goOn,
  letters,
  mainButton,
  openTimes,
  someone,
  takeATime,
} from "./patient";
import { arrive, expect, follow, open, refused, test } from "./support";
import { englishLeft, sentence } from "./words";
import type { Page } from "@playwright/test";

test.use({ tolerated: refused });

const languages = [
  { tag: "es", direction: "ltr" },
  { tag: "de", direction: "ltr" },
  { tag: "ar", direction: "rtl" },
];

for (const { tag, direction } of languages) {
  test(`the whole way speaks ${tag} and nothing else`, async ({ page }) => {
    const person = someone();
    const expectLanguage = async () => {
      await expect(page.locator("html")).toHaveAttribute("lang", tag);
      await expect(page.locator("html")).toHaveAttribute("dir", direction);
      expect(await englishLeft(page, tag), `English on ${page.url()}`).toEqual([]);
    };
    await open(page, `${clinic}?lang=${tag}`);
    await expectLanguage();

    await follow(page, page.getByRole("link", { name: sentence(tag, "home.book"), exact: true }), `${clinic}/booking`);
    await expect(page.locator("h1")).toHaveText(sentence(tag, "booking.choose"));
    await expectLanguage();

    await openTimes(page, "back-class");
    await expectLanguage();
    await openTimes(page, "physio-first", "&view=calendar");
    await expect(page.locator("table.cal")).toBeVisible();
    await expectLanguage();

    await openTimes(page, "physio-after-surgery");
    const { day, time } = await takeATime(page);
    await expect(page.locator("h1")).toHaveText(sentence(tag, "details.title"));
    await expect(page.getByLabel(sentence(tag, "details.name"), { exact: true })).toBeVisible();
    await expectLanguage();
    await mainButton(page).click();
    await expect(page.locator("#to-fix")).toBeVisible();
    await expectLanguage();

    await fillDetails(page, person);
    await goOn(page);
    await expect(mainButton(page)).toHaveText(sentence(tag, "check.send"));
    await expectLanguage();
    await confirm(page);
    await expect(page.locator("h1")).toHaveText(sentence(tag, "visit.pending"));
    await expectLanguage();

    const [letter] = await letters(page, person);
    await page.goto(letter);
    await expect(page.locator("h1")).toHaveAttribute("lang", tag);
    await expect(page.locator("h1")).toContainText(time);
    await expect(page.locator("h1")).toContainText(day);
  });
}

test("English is noticed where a page still speaks it @nojs", async ({ page }) => {
  await open(page, `${clinic}/booking`);
  expect(await englishLeft(page, "de")).toEqual(expect.arrayContaining(["Help", "What do you need?", "Flu vaccine"]));
});

test("a page is in the language that the browser asks for, until one is chosen", async ({ browser }) => {
  const context = await browser.newContext({ locale: "de-AT" });
  const page = await context.newPage();
  await open(page, `${clinic}/booking`);
  await expect(page.locator("html")).toHaveAttribute("lang", "de");
  await chooseLanguage(page, "Español");
  await expect(page.locator("html")).toHaveAttribute("lang", "es");
  await open(page, clinic);
  await expect(page.locator("html")).toHaveAttribute("lang", "es");
  await context.close();
});

test("changing the language in the middle of the details keeps what was sent", async ({ page }) => {
  const person = { ...someone(), month: "13" };
  await openTimes(page, "flu-vaccine");
  await takeATime(page);
  await fillDetails(page, person);
  await mainButton(page).click();
  await expect(page.locator("#to-fix")).toBeVisible();
  await chooseLanguage(page, "Deutsch");
  await expect(page.locator("h1")).toHaveText(sentence("de", "details.title"));
  await expect(page.locator("#email")).toHaveValue(person.email);
  await expect(page.locator("#reason")).toHaveValue(person.reason);
});

test("changing the language in the middle of a word keeps it, also where the network is slow @wasm", async ({ page }) => {
  await openTimes(page, "flu-vaccine");
  await takeATime(page);
  await page.locator("#reason").pressSequentially("It hurts in my left");
  await page.route("**/api/booking/keep*", async (route) => {
    await new Promise((done) => setTimeout(done, 1000));
    await route.continue();
  });
  await page.locator("#reason").pressSequentially(" kn");
  await chooseLanguage(page, "Deutsch");
  await expect(page.locator("h1")).toHaveText(sentence("de", "details.title"));
  await expect(page.locator("#reason")).toHaveValue("It hurts in my left kn");
});

async function chooseLanguage(page: Page, name: string): Promise<void> {
  await page.getByRole("navigation").getByRole("link", { name }).click();
  await arrive(page, /lang=/);
}
