// A clinic chooses one number, the hue of its accent. Whatever it chooses, everybody can read the pages.
import { clinic } from "./patient.ts";
import { expect, open, test } from "./support.ts";

const grounds = ["bg", "surface", "sunken", "accent-soft"];
const tones = ["ok", "warn", "bad", "info"];
const each = (inks: string[], behind: string[]) => inks.flatMap((ink) => behind.map((ground) => [ink, ground] as const));

// 4.5 to 1: WCAG 2.2, 1.4.3.
const text = [
  ...each(["ink", "ink-2", "accent-ink"], grounds),
  ...each(["ink", "accent-ink"], tones.map((tone) => `${tone}-soft`)),
  ...tones.flatMap((tone) => each([tone], [`${tone}-soft`, "surface", "bg"])),
  ...each(["on-accent"], ["accent", "accent-hover"]),
  ...each(["on-deep", "on-deep-2"], ["deep", "deep-2"]),
  ...each(["on-bloom"], ["bloom"]),
];
// 3 to 1, for edges and focus: WCAG 2.2, 1.4.11.
const shapes = [...each(["edge", "focus"], ["bg", "surface", "sunken"]), ...each(["accent"], ["bg", "surface"]), ...each(["focus"], ["accent-soft"])];

for (const scheme of ["light", "dark"] as const) {
  test(`every colour pair keeps its contrast at all hues, ${scheme} @wasm`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: scheme });
    await open(page, clinic);
    const weak = await page.evaluate(
      ({ text, shapes }) => {
        const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
        const brush = canvas.getContext("2d", { willReadFrequently: true });
        const probe = document.body.appendChild(document.createElement("i"));
        if (brush === null) return ["no canvas"];
        // Relative luminance as WCAG defines it, of the colour as it is really painted.
        const luminance = (name: string) => {
          probe.style.color = `var(--${name})`;
          brush.fillStyle = getComputedStyle(probe).color;
          brush.fillRect(0, 0, 1, 1);
          const linear = [...brush.getImageData(0, 0, 1, 1).data].slice(0, 3).map((byte) => {
            const part = byte / 255;
            return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
          });
          return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
        };
        const weak: string[] = [];
        for (let hue = 0; hue < 360; hue += 1) {
          document.documentElement.style.setProperty("--hue", String(hue));
          const known = new Map<string, number>();
          const of = (name: string) => known.get(name) ?? known.set(name, luminance(name)).get(name)!;
          for (const [pairs, least] of [[text, 4.5], [shapes, 3]] as const) {
            for (const [ink, ground] of pairs) {
              const [dark, light] = [of(ink), of(ground)].sort((a, b) => a - b);
              const contrast = (light + 0.05) / (dark + 0.05);
              if (contrast < least) weak.push(`${ink} on ${ground} at ${hue}: ${contrast.toFixed(2)}`);
            }
          }
        }
        return weak;
      },
      { text, shapes },
    );
    expect(weak).toEqual([]);
  });
}
