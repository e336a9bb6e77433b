// Reads what a calendar program would read of a visit's file (RFC 5545).

export type CalendarVisit = { uid: string; zone: string; zones: string[]; start: string; text: string };

export function readCalendar(file: string): CalendarVisit {
  // Long lines are folded: a line that begins with a space belongs to the one before.
  const text = file.replace(/\r\n[ \t]/g, "");
  const lines = text.split("\r\n");
  const event = lines.slice(lines.indexOf("BEGIN:VEVENT"), lines.indexOf("END:VEVENT"));
  const value = (pattern: RegExp, from: string[]) => from.flatMap((line) => line.match(pattern)?.[1] ?? []);
  return {
    uid: value(/^UID:(.+)$/, event)[0] ?? "",
    zone: value(/^DTSTART;TZID=([^:]+):/, event)[0] ?? "",
    zones: value(/^TZID:(.+)$/, lines),
    start: value(/^DTSTART[^:]*:(.+)$/, event)[0] ?? "",
    text,
  };
}
