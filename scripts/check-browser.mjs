/**
 * Bundles dist/browser.js as an application for browsers would, runs the model in the box with it in headless Chromium, and
 * compares what it says with what Node says. The snippets of both READMEs run in a page of their own, as they stand.
 *   node scripts/check-browser.mjs [--screenshot FILE]     Chromium: the command `chromium`, or what CHROMIUM names
 */
import { spawn } from "node:child_process";
import { createReadStream, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { rolldown } from "rolldown";
import { root } from "./ensure.mjs";

const { values } = parseArgs({ options: { screenshot: { type: "string" } } });
const modelFolder = join(root, "models/tsumugi-mini");
const limitMs = 180_000;
const work = mkdtempSync(join(tmpdir(), "tsumugi-browser-"));

/** The snippets for browsers of the READMEs. */
const snippets = ["README.md", "README.ja.md"].map((file) => {
  const found = /^```js\n([\s\S]*?)^```$/m.exec(readFileSync(join(root, file), "utf8"))?.[1];
  if (!found?.includes("tsumugi/browser")) throw new Error(`${file} has no snippet for browsers`);
  return found;
});

/** What both run: a text, and a conversation, greedily. */
const prompts = ["Once upon a time", [{ role: "user", content: "Tell me a story about a dragon." }]];
const options = { maxNewTokens: 24, doSample: false };

const head = `<!doctype html><meta charset="utf-8"><title>tsumugi</title>
<script type="importmap">{ "imports": { "tsumugi/browser": "/bundle.js" } }</script>
<body style="font: 20px sans-serif; margin: 2em">`;

const page = `${head}<h1>tsumugi in a browser</h1>
<script type="module">
import { fetchFiles, loadFromFiles } from "tsumugi/browser";
const told = { answers: [] };
try {
  const model = await loadFromFiles(fetchFiles("/models/tsumugi-mini/"), { dtype: "float32", contextTokens: 128, maxBatchSize: 1 });
  for (const prompt of ${JSON.stringify(prompts)}) {
    const paragraph = document.body.appendChild(document.createElement("p"));
    paragraph.append(typeof prompt === "string" ? prompt : "> " + prompt[0].content + " ");
    let text = "";
    const stream = model.stream(prompt, ${JSON.stringify(options)});
    for await (const piece of stream) { paragraph.append(piece); text += piece; }
    const { tokenIds, finishReason } = await stream.result;
    told.answers.push({ text, tokenIds, finishReason });
  }
  await model.dispose();
} catch (error) {
  told.error = String(error?.stack ?? error);
}
await fetch("/told", { method: "POST", body: JSON.stringify(told) });
</script>
<img src="/when-told" width="1" height="1" alt="">`;

/** A page that is a snippet, and tells what stands on it then. */
const pageOf = (snippet) => `${head}
<script>addEventListener("error", (event) => fetch("/told", { method: "POST", body: JSON.stringify({ error: event.message }) }));
addEventListener("unhandledrejection", ({ reason }) => fetch("/told", { method: "POST", body: JSON.stringify({ error: String(reason) }) }));</script>
<script type="module">document.body.replaceChildren();
${snippet}
await fetch("/told", { method: "POST", body: JSON.stringify({ answers: [document.body.textContent] }) });
</script>`;

try {
  const bundle = await bundleForBrowsers();
  const expected = await runInNode();
  compare(await runInChromium(bundle, page, values.screenshot), expected.answers);
  for (const snippet of new Set(snippets)) compare(await runInChromium(bundle, pageOf(snippet)), [expected.snippet]);
  const kilobytes = Math.round(Buffer.byteLength(bundle) / 1000);
  console.log(
    `Chromium says what Node says: ${expected.answers.length} answers and the snippet of the READMEs, a bundle of ${kilobytes} kB`,
  );
} finally {
  rmSync(work, { recursive: true, force: true, maxRetries: 5 });
}

/** Ends with an error where a page tells something else than Node. */
function compare(found, expected) {
  if (found.error) throw new Error(`the page failed: ${found.error}`);
  const [inChromium, inNode] = [found.answers, expected].map((answers) => JSON.stringify(answers));
  if (inChromium !== inNode) throw new Error(`Chromium: ${inChromium}\nNode:     ${inNode}`);
}

/** One file for browsers; whatever it cannot hold, such as a module of Node, is an error. */
async function bundleForBrowsers() {
  /** @type {string[]} */
  const problems = [];
  const bundle = await rolldown({
    input: join(root, "dist/browser.js"),
    platform: "browser",
    onLog: (level, log) => {
      if (level === "warn") problems.push(log.message);
    },
  });
  const { output } = await bundle.generate({ format: "esm", minify: true });
  await bundle.close();
  const outside = output.flatMap((chunk) => (chunk.type === "chunk" ? [...chunk.imports, ...chunk.dynamicImports] : []));
  if (outside.length > 0) problems.push(`the bundle imports ${outside.join(", ")}`);
  if (problems.length > 0) throw new Error(`dist/browser.js cannot be bundled for browsers:\n${problems.join("\n")}`);
  return output[0].code;
}

/**
 * Serves page, bundle and model on the loopback interface, opens the page, and waits for what it tells.
 * @param {string} bundle
 * @param {string} html
 * @param {string} [screenshot]
 * @returns {Promise<{ answers: unknown[], error?: string }>}
 */
async function runInChromium(bundle, html, screenshot) {
  /** @type {(told: { answers: unknown[], error?: string }) => void} */
  let tell = () => {};
  /** @type {Promise<{ answers: unknown[], error?: string }>} */
  const told = new Promise((resolve) => {
    tell = resolve;
  });
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    const send = (type, body) => response.writeHead(200, { "content-type": type }).end(body);
    if (path === "/") return send("text/html", html);
    if (path === "/bundle.js") return send("text/javascript", bundle);
    if (path === "/told") {
      let body = "";
      for await (const chunk of request) body += chunk;
      send("text/plain", "");
      return tell(JSON.parse(body));
    }
    // the page has loaded when this answers: a screenshot is taken then
    if (path === "/when-told") return told.then(() => response.writeHead(204).end());
    const file = /^\/models\/tsumugi-mini\/([\w.-]+)$/.exec(path)?.[1];
    if (file && existsSync(join(modelFolder, file))) {
      response.writeHead(200, { "content-type": "application/octet-stream" });
      return createReadStream(join(modelFolder, file)).pipe(response);
    }
    response.writeHead(404).end();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const chromium = openPage(`http://127.0.0.1:${port}/`, screenshot);
  try {
    return await Promise.race([told, chromium.failed]);
  } finally {
    if (screenshot) await chromium.ended;
    chromium.close();
    await chromium.ended;
    server.closeAllConnections();
    server.close();
  }
}

/** Chromium with a page. `failed` rejects when it ends or lasts too long, `ended` settles when it is gone. */
function openPage(url, screenshot) {
  const flags = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    `--user-data-dir=${work}`,
    ...(screenshot ? [`--screenshot=${screenshot}`, "--window-size=900,500"] : ["--remote-debugging-port=0"]),
  ];
  const child = spawn(process.env.CHROMIUM ?? "chromium", [...flags, url], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk) => {
    said = (said + chunk).slice(-2000);
  });
  /** @type {Promise<void>} */
  const ended = new Promise((resolve) => {
    child.on("close", () => resolve());
    child.on("error", () => resolve());
  });
  /** @type {Promise<never>} */
  const failed = new Promise((_, reject) => {
    const timer = setTimeout(() => reject(new Error(`Chromium has not told anything in ${limitMs} ms: ${said}`)), limitMs);
    timer.unref();
    child.on("error", (error) => reject(new Error(`Chromium cannot be started: ${error.message}`)));
    child.on("close", (code) => reject(new Error(`Chromium ended with ${code}: ${said}`)));
  });
  failed.catch(() => {});
  return { failed, ended, close: () => child.kill("SIGKILL") };
}

/** The same answers in Node, from the same files on disk. */
async function runInNode() {
  const { AutoModelForCausalLM } = await import("../dist/index.js");
  const model = await AutoModelForCausalLM.fromPretrained(modelFolder, { device: "reference", dtype: "float32" });
  const answers = [];
  for (const prompt of prompts) {
    const { text, tokenIds, finishReason } = await model.generate(prompt, options);
    answers.push({ text, tokenIds, finishReason });
  }
  await model.dispose();
  const plain = await AutoModelForCausalLM.fromPretrained(modelFolder, { device: "reference" });
  const { text } = await plain.generate("Once upon a time", { maxNewTokens: 40 });
  await plain.dispose();
  return { answers, snippet: text };
}
