// Reads what a calendar program would read of a visit's file (RFC 5545), by a library that had no
// part in writing it.
import type { Page } from "@playwright/test";
import ICAL from "ical.js";

export type CalendarVisit = {
  method: string;
  uid: string;
  sequence: number;
  status: string;
  zone: string;
  zones: string[];
  // By the clock on the wall: "20260312T092000".
  start: string;
  // By the rules of the file's own time zone: "2026-03-12T09:20:00.000Z".
  begins: string;
  text: string;
};

export function readCalendar(file: string): CalendarVisit {
  const calendar = new ICAL.Component(ICAL.parse(file));
  const zones = calendar.getAllSubcomponents("vtimezone").map((zone) => String(zone.getFirstPropertyValue("tzid")));
  const entry = calendar.getFirstSubcomponent("vevent");
  if (!entry) throw new Error(`there is no event in\n${file}`);
  const event = new ICAL.Event(entry);
  const value = (name: string) => String(entry.getFirstPropertyValue(name) ?? "");
  return {
    method: String(calendar.getFirstPropertyValue("method") ?? ""),
    uid: event.uid,
    sequence: event.sequence,
    status: value("status"),
    zone: String(entry.getFirstProperty("dtstart")?.getFirstParameter("tzid") ?? ""),
    zones,
    start: event.startDate.toICALString(),
    begins: event.startDate.toJSDate().toISOString(),
    // Long lines are folded: a line that begins with a space belongs to the one before.
    text: file.replace(/\r\n[ \t]/g, ""),
  };
}

// The entry that the letter on this page of the mailbox brings.
export async function calendarFrom(page: Page): Promise<CalendarVisit> {
  const address = await page.getByRole("link", { name: "visit.ics" }).getAttribute("href");
  const answer = await page.request.get(new URL(address ?? "", page.url()).href);
  return readCalendar(await answer.text());
}
