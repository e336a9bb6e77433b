// The product's own sentences: to find what a page says in any language, and what it forgot to
// translate.
import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";

const app = new URL("../../app/locales/", import.meta.url);
const demo = new URL("../../server/demo/clinic.toml", import.meta.url);

function load(tag: string): Map<string, string> {
  const sentences = new Map<string, string>();
  let group = "";
  for (const line of readFileSync(new URL(`${tag}.toml`, app), "utf8").split("\n")) {
    group = line.match(/^\[(.+)\]$/)?.[1] ?? group;
    const [, key, value] = line.match(/^(\w+) = (.+)$/) ?? [];
    if (!key) continue;
    // A sentence with plural forms is a table of them.
    for (const [, form] of value.matchAll(/"((?:[^"\\]|\\.)*)"/g)) sentences.set(nameOf(sentences, `${group}.${key}`), form);
  }
  return sentences;
}

function nameOf(known: Map<string, string>, name: string): string {
  return known.has(name) ? nameOf(known, `${name}+`) : name;
}

// A sentence without arguments, as a page shows it.
export function sentence(tag: string, name: string): string {
  const found = load(tag).get(name);
  if (found === undefined) throw new Error(`${tag} has no ${name}`);
  return found;
}

// What stands between the arguments of a sentence and its marks.
function fragments(text: string): string[] {
  return text.split(/\{\w+\}|\*/).map((part) => part.trim().replace(/^[,.:]\s*/, "")).filter((part) => /\p{L}{2}/u.test(part));
}

// What pages and demo clinic say in English and not in this language.
function onlyEnglish(tag: string): string[] {
  const clinic = readFileSync(demo, "utf8");
  const of = (language: string) => [...clinic.matchAll(new RegExp(`\\b${language} ?= "([^"]+)"`, "g"))].map(([, text]) => text);
  const own = new Set([...load(tag).values(), ...of(tag)].flatMap(fragments));
  return [...load("en").values(), ...of("en")].flatMap(fragments).filter((text) => !own.has(text));
}

// English sentences, and parts of them, that somebody would read or hear on this page. Short ones
// count only as a whole, because they are also parts of names.
export async function englishLeft(page: Page, tag: string): Promise<string[]> {
  const texts = await page.evaluate(() => {
    const heard = ["aria-label", "title", "alt", "placeholder"];
    const found: string[] = [document.title];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (node instanceof Element) found.push(...heard.map((name) => node.getAttribute(name) ?? ""));
      else if (!node.parentElement?.closest("script, style, [lang]:not(html)")) found.push(node.textContent ?? "");
    }
    return found.map((text) => text.trim()).filter(Boolean);
  });
  const english = onlyEnglish(tag);
  const left = texts.flatMap((text) => english.filter((known) => text === known || (known.length > 14 && text.includes(known))));
  return [...new Set(left)];
}
