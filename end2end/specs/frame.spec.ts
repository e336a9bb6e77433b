// The frame around every page: language, direction, skip link, heading.
import { expect, expectAccessible, expectNoSidewaysScroll, open, test } from "./support";

const clinic = "/rowan-street";
const languages = [
  { tag: "en", direction: "ltr" },
  { tag: "es", direction: "ltr" },
  { tag: "de", direction: "ltr" },
  { tag: "ar", direction: "rtl" },
];

for (const { tag, direction } of languages) {
  test(`the clinic's page speaks ${tag} and reads ${direction}`, async ({ page }) => {
    await open(page, `${clinic}?lang=${tag}`);
    await expect(page.locator("html")).toHaveAttribute("lang", tag);
    await expect(page.locator("html")).toHaveAttribute("dir", direction);
    await expect(page.getByRole("heading", { level: 1 })).toHaveCount(1);
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
  });
}

test("the first key press offers to skip to the content", async ({ page }) => {
  await open(page, clinic);
  await page.keyboard.press("Tab");
  const link = page.locator(":focus");
  const target = await link.getAttribute("href");
  expect(target).toMatch(/^#/);
  await page.keyboard.press("Enter");
  await expect(page.locator(target ?? "")).toBeInViewport();
});

test("a narrow window does not scroll sideways", async ({ page }) => {
  await page.setViewportSize({ width: 320, height: 640 });
  await open(page, clinic);
  await expectNoSidewaysScroll(page);
});

test("nothing is asked of another host", async ({ page, baseURL }) => {
  const foreign: string[] = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(baseURL ?? "")) foreign.push(request.url());
  });
  await open(page, clinic);
  expect(foreign).toEqual([]);
});
