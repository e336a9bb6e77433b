// The booking on a clinic's website in browsers of other makers, at their strictest: no cookie, no
// storage that another page could see, from the first step to the last.
import { expect, test } from "@playwright/test";
import { firefox, webkit, type Engine } from "./engines";
import { someone } from "./patient";

const site = process.env.PERENNIAL_SITE ?? "http://127.0.0.1:3001";
const program = (name: string, usual: string): string => process.env[name] ?? usual;

const engines: [string, () => Promise<Engine>][] = [
  ["Firefox with strict tracking protection", () => firefox(program("FIREFOX", "/usr/bin/firefox-esr"))],
  [
    "WebKit with its tracking prevention",
    () =>
      webkit(
        program("WEBKIT_DRIVER", "/usr/bin/WebKitWebDriver"),
        program("WEBKIT", "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser"),
      ),
  ],
];

for (const [name, start] of engines) {
  test(`a visit is booked on the website in ${name}`, async () => {
    test.setTimeout(90_000);
    const engine = await start();
    try {
      await engine.open(site);
      await bookIn(engine);
      // The frame is as high as what is in it, and has no scrollbar of its own.
      await expect(async () => {
        const [content, window, overflow] = await engine.inFrame<[number, number, string]>(
          `[Math.ceil(document.body.getBoundingClientRect().height), innerHeight, document.documentElement.style.overflow]`,
        );
        expect([window, overflow]).toEqual([content, "hidden"]);
      }).toPass();
      const heard = await engine.onPage<string>(`document.querySelector("#heard").textContent`);
      const lines = heard.trim().split("\n").reverse().filter((line) => !line.includes("resize"));
      // Who was too slow for a time is at that step once more.
      const told = lines.filter((line, at) => line !== lines[at - 1]);
      expect(told.map((line) => line.replace("inline: perennial:", ""))).toEqual([
        "ready {}",
        `step {"step":"time"}`,
        `step {"step":"details"}`,
        `step {"step":"check"}`,
        `booked {"step":"booked"}`,
      ]);
      expect(await engine.cookies()).toBe(0);
    } finally {
      await engine.close();
    }
  });
}

async function bookIn(engine: Engine): Promise<void> {
  const person = someone();
  // Until the page of the next step is there the old one may still be, or none.
  const there = (what: string): Promise<void> =>
    expect.poll(() => engine.inFrame(`!!(${what})`).catch(() => false), { timeout: 15_000 }).toBeTruthy();
  const press = (selector: string, which = 0): Promise<void> =>
    there(`(it => it && document.readyState === "complete" && (it.click(), true))(document.querySelectorAll("${selector}")[${which}])`);
  const type = (field: string, value: string): Promise<void> => there(`(document.querySelector("#${field}").value = ${JSON.stringify(value)})`);
  // Another one, if somebody was quicker.
  for (let attempt = 0; attempt < 4; attempt += 1) {
    await press(".day button[name=start]", attempt);
    await there(`document.querySelector("#name, #answer")`);
    if (await engine.inFrame(`!!document.querySelector("#name")`)) break;
  }
  await press("#who_for");
  await type("name", person.name);
  await type("birth_day", person.day);
  await type("birth_month", person.month);
  await type("birth_year", person.year);
  await type("email", person.email);
  await press("main form .actions button.btn");
  await there(`document.querySelector("dl.summary")`);
  await press("main form .actions button.btn");
  await there(`document.querySelector("[data-booked]")`);
}
