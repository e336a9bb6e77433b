// Browsers of other makers, as Debian ships them, at their strictest. Playwright drives only those
// that it brings itself; each of these is driven by its own protocol, as far as the specs need.
import { spawn } from "node:child_process";
import { createServer, type AddressInfo } from "node:net";
import puppeteer, { type Frame } from "puppeteer-core";

// An expression is worked out on the page, or in the first frame of its tag `#inline`.
export interface Engine {
  open(address: string): Promise<void>;
  onPage<T>(expression: string): Promise<T>;
  inFrame<T>(expression: string): Promise<T>;
  // How many the frame has.
  cookies(): Promise<number>;
  close(): Promise<void>;
}

const FRAME = `document.querySelector("#inline").shadowRoot?.querySelector("iframe")`;

// Firefox with strict tracking protection: whatever another site keeps is kept apart for each site around it.
export async function firefox(executablePath: string): Promise<Engine> {
  const extraPrefsFirefox = { "browser.contentblocking.category": "strict", "network.cookie.cookieBehavior": 5 };
  const browser = await puppeteer.launch({ browser: "firefox", executablePath, extraPrefsFirefox, headless: true });
  const page = await browser.newPage();
  return {
    open: async (address) => void (await page.goto(address)),
    onPage: async <T>(expression: string) => (await page.evaluate(expression)) as T,
    inFrame: async <T>(expression: string) => {
      const frame = (await (await page.evaluateHandle(FRAME)).asElement()?.contentFrame()) as Frame;
      return (await frame.evaluate(expression)) as T;
    },
    cookies: async () => (await page.cookies(await page.evaluate(`${FRAME}.src`) as string)).length,
    close: () => browser.close(),
  };
}

// WebKit, which Safari is made of, with its tracking prevention; it needs a screen, and gets one in memory.
export async function webkit(driver: string, browser: string): Promise<Engine> {
  const port = await freePort();
  const process = spawn("xvfb-run", ["--auto-servernum", driver, `--port=${port}`], { stdio: "ignore", detached: true });
  const end = (): void => void (process.pid && globalThis.process.kill(-process.pid));
  const ask = async (method: string, path: string, body?: object): Promise<unknown> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method, body: body && JSON.stringify(body) });
    const { value } = (await answer.json()) as { value: { error?: string; message?: string } | null };
    if (!answer.ok) throw new Error(`${path}: ${value?.error} ${value?.message}`);
    return value;
  };
  try {
    await listening(port);
    const options = { binary: browser, args: ["--automation", "--enable-itp"] };
    const capabilities = { alwaysMatch: { "webkitgtk:browserOptions": options } };
    const { sessionId } = (await ask("POST", "/session", { capabilities })) as { sessionId: string };
    const session = `/session/${sessionId}`;
    const run = (expression: string): Promise<unknown> =>
      ask("POST", `${session}/execute/sync`, { script: `return (${expression})`, args: [] });
    const within = async (id: unknown, expression: string): Promise<unknown> => {
      await ask("POST", `${session}/frame`, { id });
      return run(expression);
    };
    return {
      open: async (url) => void (await ask("POST", `${session}/url`, { url })),
      onPage: async <T>(expression: string) => (await within(null, expression)) as T,
      inFrame: async <T>(expression: string) => (await within(await within(null, FRAME), expression)) as T,
      cookies: async () => {
        await within(await within(null, FRAME), "0");
        return ((await ask("GET", `${session}/cookie`)) as unknown[]).length;
      },
      close: () => ask("DELETE", session).then(end, end),
    };
  } catch (error) {
    end();
    throw error;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

async function listening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    try {
      await fetch(`http://127.0.0.1:${port}/status`);
      return;
    } catch {
      await new Promise((done) => setTimeout(done, 100));
    }
  }
  throw new Error("the driver of WebKit does not answer");
}
