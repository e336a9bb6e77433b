// How the specs run: against a server that is already there, in every way a patient may come.
// `cargo portal test --only browsers` sets the three variables; to run by hand, see `address` below.
import { defineConfig } from "@playwright/test";

const address = process.env.PERENNIAL_ADDRESS ?? "http://localhost:3000";
const phone = { viewport: { width: 375, height: 812 }, hasTouch: true, isMobile: true };
const desktop = { viewport: { width: 1280, height: 900 } };

// A spec that makes sense in one way only says so in its title: @wasm or @nojs.
const others = /engines\.spec/;
const wasm = { grepInvert: /@nojs/, testIgnore: others };
const nojs = { grepInvert: /@wasm/, testIgnore: others };

export default defineConfig({
  testDir: "specs",
  outputDir: "out/results",
  fullyParallel: true,
  forbidOnly: true,
  workers: 2,
  // What passes only sometimes has not passed.
  retries: 0,
  timeout: 30_000,
  expect: { timeout: 10_000 },
  reporter: [["list"], ["json", { outputFile: process.env.PERENNIAL_REPORT ?? "out/report.json" }]],
  use: {
    baseURL: address,
    locale: "en-GB",
    timezoneId: "Europe/Dublin",
    screenshot: "only-on-failure",
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
  projects: [
    { name: "phone-wasm", use: { ...phone }, ...wasm },
    { name: "phone-nojs", use: { ...phone, javaScriptEnabled: false }, ...nojs },
    { name: "desktop-wasm", use: { ...desktop }, ...wasm },
    { name: "desktop-nojs", use: { ...desktop, javaScriptEnabled: false }, ...nojs },
    { name: "engines", testMatch: others },
  ],
});
