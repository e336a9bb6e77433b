// A patient on the way to a visit: the steps that many specs share, in any language.
//
// Times are never taken for granted: all specs book at the same clinic, on whatever day they run.
// Each worker looks in weeks of its own, so that two specs compete only where they mean to.
import { arrive, expect, follow, hasScripts, open, test } from "./support";
import type { Locator, Page } from "@playwright/test";

export const clinic = "/rowan-street";
export const heldPage = /\/booking\/hold\/[^/?#]+(\?[^#]*)?(#.*)?$/;
export const checkPage = /\/booking\/hold\/[^/?#]+\/check/;
export const visitPage = /\/visit\/[^/?#]+$/;

// A page, or what a frame in it shows.
export type Place = Pick<Page, "locator">;

// A time as the page shows it, and the instant that it is.
export type Time = { time: string; day: string; instant: string };

export type Person = { name: string; day: string; month: string; year: string; email: string; reason: string };

// Nobody has the same name or address twice, so their letters can be told apart.
export function someone(): Person {
  const id = Array.from({ length: 10 }, () => "abcdefghijklmnopqrstuvwxyz"[random(26)]).join("");
  const surname = id[0].toUpperCase() + id.slice(1);
  return {
    name: `Maya ${surname}`,
    day: "27",
    month: "3",
    year: "1984",
    email: `maya.${id}@example.org`,
    reason: "My left knee & “stairs” <hurts>",
  };
}

function random(below: number): number {
  return Math.floor(Math.random() * below);
}

// A day from which to look for times, two to fourteen weeks ahead unless they reach less far.
export function aDayAhead(reach = 84): string {
  const { parallelIndex, config } = test.info();
  const days = Math.floor(reach / config.workers);
  const ahead = 14 + parallelIndex * days + random(Math.max(days - 7, 1));
  return new Date(Date.now() + ahead * 86_400_000).toISOString().slice(0, 10);
}

// The list of a treatment's times, on a random day.
export async function openTimes(page: Page, treatment: string, query = ""): Promise<void> {
  await open(page, `${clinic}/booking/${treatment}?from=${aDayAhead()}${query}`);
}

export function timeButtons(page: Place): Locator {
  return page.locator(".day button[name=start]");
}

export function timeButton(page: Place, instant: string): Locator {
  return page.locator(`.day button[name=start][value="${instant}"]`);
}

type Activate = (target: Locator) => Promise<void>;
const click: Activate = (target) => target.click({ timeout: 5_000 });

// Takes one of the times on the page, and another if somebody was quicker.
export async function takeATime(page: Page, activate: Activate = click): Promise<Time> {
  for (let attempt = 0; attempt < 4; attempt += 1) {
    await expect(timeButtons(page).first()).toBeVisible();
    const times = await readTimes(page);
    const time = times[random(times.length)];
    // What the page says is no help: it may still speak of the time before.
    const answer = page.waitForResponse((response) => response.url().includes("/api/booking/hold"));
    answer.catch(() => undefined);
    try {
      await activate(timeButton(page, time.instant));
    } catch (missed) {
      // The list may have been another one by then: the next days, somebody else's times.
      if ((await timeButton(page, time.instant).count()) > 0) throw missed;
      continue;
    }
    if ((await (await answer).headerValue("location"))?.includes("/booking/hold/")) {
      await arrive(page, heldPage);
      return time;
    }
    await expect(timeButton(page, time.instant)).toHaveCount(0);
  }
  throw new Error("every time was taken by somebody else");
}

export async function readTimes(page: Page): Promise<Time[]> {
  return timeButtons(page).evaluateAll((buttons) =>
    buttons.map((button) => ({
      time: button.firstChild?.textContent ?? "",
      day: button.querySelector(".vh")?.textContent?.replace(/^, /, "") ?? "",
      instant: (button as HTMLButtonElement).value,
    })),
  );
}

export async function fillDetails(page: Place, person: Person): Promise<void> {
  await page.locator("#who_for").check();
  await page.locator("#name").fill(person.name);
  await page.locator("#birth_day").fill(person.day);
  await page.locator("#birth_month").fill(person.month);
  await page.locator("#birth_year").fill(person.year);
  await page.locator("#email").fill(person.email);
  await page.locator("#reason").fill(person.reason);
  await page.locator("#reminders").check();
}

export async function expectDetails(page: Page, person: Person): Promise<void> {
  await expect(page.locator("#name")).toHaveValue(person.name);
  await expect(page.locator("#birth_day")).toHaveValue(person.day);
  await expect(page.locator("#birth_month")).toHaveValue(person.month);
  await expect(page.locator("#birth_year")).toHaveValue(person.year);
  await expect(page.locator("#email")).toHaveValue(person.email);
  await expect(page.locator("#reason")).toHaveValue(person.reason);
  await expect(page.locator("#reminders")).toBeChecked();
  await expect(page.locator("#news")).not.toBeChecked();
}

// The one filled button of a form: continue on the details page, confirm on the check page.
export function mainButton(page: Place): Locator {
  return page.locator("main form .actions button.btn");
}

export async function goOn(page: Page): Promise<void> {
  await mainButton(page).click();
  await arrive(page, checkPage);
  await expect(page.locator("dl.summary")).toBeVisible();
}

export async function confirm(page: Page): Promise<void> {
  await mainButton(page).click();
  await arrive(page, visitPage);
  await expect(page.locator("#next")).toBeVisible();
}

// From the times page to the check page.
export async function reachCheck(page: Page, treatment: string, person: Person): Promise<Time> {
  await openTimes(page, treatment);
  const time = await takeATime(page);
  await fillDetails(page, person);
  await goOn(page);
  return time;
}

// The letters to a person, once there is one. They leave a moment after the booking.
export async function letters(page: Page, person: Person): Promise<string[]> {
  let found: string[] = [];
  await expect(async () => {
    const text = await (await page.request.get("/mailbox")).text();
    const items = text.split('<a class="item" href="').slice(1).filter((item) => item.includes(person.email));
    found = items.map((item) => item.slice(0, item.indexOf('"')));
    expect(found, "letters").not.toEqual([]);
  }).toPass({ timeout: 15_000 });
  return found;
}

// Somebody who was booked twice would have two letters about it.
export async function expectOneVisit(page: Page, person: Person): Promise<void> {
  expect(await letters(page, person)).toHaveLength(1);
}

// Moves the focus with the Tab key alone until it is there.
export async function tabTo(page: Page, target: Locator): Promise<void> {
  await expect(target).toBeVisible();
  for (let presses = 0; presses < 400; presses += 1) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`the Tab key does not reach ${target}`);
}

// After a step within the page the focus is on its heading; a new document begins at its top.
export async function expectHeadingFocused(page: Page): Promise<void> {
  if (hasScripts()) await expect(page.locator("h1")).toBeFocused();
}

// The whole way to a booked visit; the page is its private one afterwards.
export async function book(page: Page, treatment: string, person: Person): Promise<Time> {
  const time = await reachCheck(page, treatment, person);
  await confirm(page);
  return time;
}

// The times to which a visit could move: links, not buttons.
export function newTimes(page: Page): Locator {
  return page.locator("a[href*='/move/check?start=']");
}

// Chooses a time of the worker's own weeks, but not this one; the page then shows old and new.
export async function takeANewTime(page: Page, but = ""): Promise<Time> {
  const address = new URL(page.url());
  address.searchParams.set("from", aDayAhead());
  await open(page, address.pathname + address.search);
  const listed = page.locator(".day a[href*='/move/check?start=']");
  await expect(listed.first()).toBeVisible();
  const times = await listed.evaluateAll((links) =>
    links.map((link) => ({
      time: link.firstChild?.textContent ?? "",
      day: link.querySelector(".vh")?.textContent?.replace(/^, /, "") ?? "",
      instant: new URL((link as HTMLAnchorElement).href).searchParams.get("start") ?? "",
    })),
  );
  const others = times.filter((time) => time.instant !== but);
  const time = others[random(others.length)];
  await follow(page, page.locator(`.day a[href*="start=${time.instant}&"]`), /\/move\/check\?/);
  await expect(page.locator("dl.summary")).toBeVisible();
  return time;
}

// The text of the letter to a person whose subject begins like this, once it is there.
export async function letterFrom(page: Page, person: Person, subject: string): Promise<Locator> {
  await expect(async () => {
    for (const letter of await letters(page, person)) {
      await page.goto(letter);
      if ((await page.locator("h1").textContent())?.startsWith(subject)) return;
    }
    throw new Error(`no letter that begins with ${subject}`);
  }).toPass({ timeout: 15_000 });
  return page.locator("main");
}
