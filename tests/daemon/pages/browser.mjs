// Chromium at the hand of a test: one request as a line of JSON comes in, one answer goes out. What is
// true of an answer the test says; here only is done and told.

import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const require = createRequire(`${process.env.KEYPULSE_TEST_NODE_MODULES}/`);
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const FLAGS = ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', ...(process.getuid() === 0 ? ['--no-sandbox'] : [])];
const LAUNCH = { executablePath: process.env.KEYPULSE_TEST_CHROMIUM, args: FLAGS };
const NARROW = { width: 320, height: 800 };
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const PATIENCE = 20_000;

let browser;
const visitors = new Map();

// Whoever visits: windows of a browser that share their cookies, and all that it asked and complained of.
async function visitor({ name, javascript = true, dark = false, width = 390, height = 800, locale = 'en-GB', profile }) {
  const options = {
    javaScriptEnabled: javascript, colorScheme: dark ? 'dark' : 'light', reducedMotion: 'reduce',
    viewport: { width, height }, locale, ignoreHTTPSErrors: true, serviceWorkers: 'block',
  };
  let context;
  if (profile) context = await chromium.launchPersistentContext(profile, { ...LAUNCH, ...options });
  else {
    browser ??= await chromium.launch(LAUNCH);
    context = await browser.newContext(options);
  }
  context.setDefaultTimeout(PATIENCE);
  const seen = { requests: [], answers: [], complaints: [] };
  context.on('request', one => seen.requests.push({ method: one.method(), url: one.url(), kind: one.resourceType() }));
  context.on('response', one => seen.answers.push((async () => ({
    url: one.url(), method: one.request().method(), kind: one.request().resourceType(), status: one.status(),
    headers: await one.allHeaders(), bytes: await one.body().then(body => body.length, () => 0),
  }))()));
  context.on('console', one => { if (['error', 'warning'].includes(one.type())) seen.complaints.push(one.text()); });
  context.on('weberror', one => seen.complaints.push(String(one.error())));
  visitors.set(name, { context, seen, tabs: new Map() });
}

const of = name => visitors.get(name) ?? (() => { throw new Error(`nobody is called ${name}`); })();

async function tab({ name, tab = 'first' }) {
  const { context, tabs } = of(name);
  if (!tabs.has(tab)) tabs.set(tab, await context.newPage());
  return tabs.get(tab);
}

// What is to be seen on a page, and what can be found in it.
async function view(page) {
  const html = await page.content();
  const seen = await page.evaluate(() => {
    const text = one => one?.innerText?.trim() ?? null;
    const key = document.querySelector('input[name=key]');
    const help = key?.getAttribute('aria-describedby')?.split(' ').map(id => text(document.getElementById(id)));
    return {
      url: location.href, title: document.title, lang: document.documentElement.lang,
      heading: text(document.querySelector('h1')), text: document.body.innerText,
      said: text(document.querySelector('.said')), focus: document.activeElement?.id ?? null,
      buttons: [...document.querySelectorAll('button')].map(one => one.textContent),
      back: document.querySelector('main a.button')?.href ?? null,
      steps: document.querySelectorAll('main ol li').length,
      reference: document.querySelector('footer')?.innerText ?? '',
      key: key && { value: key.value, type: key.type, help, invalid: key.getAttribute('aria-invalid'),
        autocomplete: key.autocomplete, capitals: key.getAttribute('autocapitalize'), spelling: key.getAttribute('spellcheck'),
        label: text(key.labels[0]) },
    };
  });
  return { ...seen, html };
}

// The words of a button change once it is pressed, so what is awaited is the next document.
async function send(page, button, clicks = 1) {
  const next = page.waitForEvent('domcontentloaded');
  next.catch(() => {});
  const target = page.locator('button', { hasText: button }).filter({ visible: true });
  await (clicks === 1 ? target.click() : target.dblclick());
  await next;
  await page.waitForLoadState('load');
}

// What the rules of accessibility find, and what is too small or too wide, on the screen as it is.
async function measure(page, contrast = true) {
  const rules = { 'target-size': { enabled: true }, 'color-contrast': { enabled: contrast } };
  const options = { runOnly: { type: 'tag', values: RULES }, rules, resultTypes: ['violations'] };
  const { violations, passes } = await page.evaluate(options => axe.run(document, options), options);
  const layout = await page.evaluate(() => {
    const all = [...document.querySelectorAll('a[href], button, input, textarea, summary, select')]
      .filter(one => one.getClientRects().length > 0);
    // A link in a sentence is as high as its line.
    const inText = one => one.tagName === 'A' && !one.classList.contains('button');
    const name = one => one.id || one.textContent.trim() || one.tagName;
    return {
      wider: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      small: all.filter(one => !inText(one) && one.getBoundingClientRect().height < 44)
        .map(one => `${name(one)}: ${one.getBoundingClientRect().height}`),
      reachable: all.filter(one => one.tabIndex >= 0).map(name),
    };
  });
  const told = violations.map(one => ({ id: one.id, nodes: one.nodes.map(node => `${node.html} ${node.failureSummary}`) }));
  return { violations: told, rules: passes.length, ...layout };
}

// From the top to the end with the tabulator.
async function byKeyboard(page, most) {
  await page.evaluate(() => {
    document.activeElement?.blur();
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.removeAttribute('tabindex');
  });
  const order = [], visible = new Set();
  for (let at = 0; at < 3 * most; at += 1) {
    await page.keyboard.press('Tab');
    const on = await page.evaluate(() => {
      const one = document.activeElement;
      if (!one || one === document.body) return null;
      const style = getComputedStyle(one);
      return { name: one.id || one.textContent.trim() || one.tagName,
        visible: one.matches(':focus-visible') && style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 };
    });
    if (!on || (order.length === most && on.name === order[0])) break;
    if (order.at(-1) !== on.name) order.push(on.name);
    // A date has several stops, of which the last has a ring of its own.
    if (on.visible) visible.add(on.name);
  }
  return { order, unseen: order.filter(name => !visible.has(name)) };
}

const unfold = () => { for (const one of document.querySelectorAll('details')) one.open = true; };

// Looks at a page as somebody who sees badly, has a small screen, or no mouse.
async function inspect(page) {
  await page.evaluate(unfold);
  await page.evaluate(axe);
  const found = { violations: [], rules: 0, wider: [], small: [] };
  const before = page.viewportSize();
  for (const width of [1280, NARROW.width]) {
    await page.setViewportSize({ ...NARROW, width });
    for (const colorScheme of ['dark', 'light']) {
      await page.emulateMedia({ colorScheme });
      const one = await measure(page);
      found.violations.push(...one.violations.map(each => ({ ...each, width, colorScheme })));
      found.rules = Math.max(found.rules, one.rules);
      found.reachable = one.reachable;
      if (colorScheme === 'light') { found.wider.push(one.wider); found.small.push(...one.small); }
    }
  }
  Object.assign(found, await byKeyboard(page, found.reachable.length));
  await page.setViewportSize(before);
  return found;
}

// Many pages that lie in files, each put in the place of the one before: loading them costs more than
// looking at them.
async function leaf(page, { paths, contrast }) {
  await page.setViewportSize(NARROW);
  await page.goto(`file://${paths[0]}`);
  await page.evaluate(axe);
  const found = [];
  for (const path of paths) {
    const head = await page.evaluate(html => {
      const { documentElement } = new DOMParser().parseFromString(html, 'text/html');
      document.replaceChild(document.adoptNode(documentElement), document.documentElement);
      return { lang: document.documentElement.lang, heading: document.querySelector('h1').innerText, title: document.title };
    }, readFileSync(path, 'utf8'));
    await page.evaluate(unfold);
    found.push({ path, ...head, ...await measure(page, contrast) });
  }
  return found;
}

const ACTS = {
  visitor,
  async open(ask) {
    const page = await tab(ask);
    const answer = await page.goto(ask.url, { waitUntil: 'load' });
    return { ...await view(page), status: answer?.status() };
  },
  // As a person does it: into the field, all of it at once.
  async paste(ask) {
    const page = await tab(ask);
    const field = page.locator('input[name=key]');
    await field.focus();
    await page.keyboard.insertText(ask.key);
    return field.inputValue();
  },
  async fill(ask) { await (await tab(ask)).locator(`[name=${ask.field}]`).fill(ask.text); },
  async value(ask) { return (await tab(ask)).locator(`#${ask.field}`).inputValue(); },
  // The page from top to end, as it looks with these eyes on this screen.
  async picture(ask) {
    const page = await tab(ask), before = page.viewportSize();
    await page.setViewportSize({ width: ask.width, height: NARROW.height });
    await page.emulateMedia({ colorScheme: ask.dark ? 'dark' : 'light' });
    await page.screenshot({ path: ask.path, fullPage: true });
    await page.setViewportSize(before);
  },
  async unfold(ask) {
    const page = await tab(ask);
    await page.locator('summary', { hasText: ask.summary }).click();
  },
  async press(ask) {
    const page = await tab(ask);
    await send(page, ask.button, ask.clicks);
    return view(page);
  },
  // The same button in several tabs at the same time.
  async together(ask) {
    const pages = await Promise.all(ask.tabs.map(one => tab({ name: ask.name, tab: one })));
    await Promise.all(pages.map(page => send(page, ask.button, ask.clicks)));
    return Promise.all(pages.map(view));
  },
  // At this address this visitor meets somebody else's page.
  async forge(ask) {
    await of(ask.name).context.route(ask.url, route => route.fulfill({ contentType: 'text/html', body: ask.html }));
  },
  // Whichever page it is on by then.
  async heading(ask) { await (await tab(ask)).locator('h1', { hasText: ask.text }).waitFor(); },
  async look(ask) { return view(await tab(ask)); },
  async back(ask) {
    const page = await tab(ask);
    await (ask.forward ? page.goForward({ waitUntil: 'load' }) : page.goBack({ waitUntil: 'load' }));
    return view(page);
  },
  async reload(ask) {
    const page = await tab(ask);
    await page.reload({ waitUntil: 'load' });
    return view(page);
  },
  // Whatever a script can do that has run in the page.
  async script(ask) { return (await tab(ask)).evaluate(ask.script); },
  async inspect(ask) { return inspect(await tab(ask)); },
  async leaf(ask) { return leaf(await tab(ask), ask); },
  async stored(ask) {
    const page = await tab(ask), { context } = of(ask.name);
    const inside = await page.evaluate(async () => ({
      local: { ...localStorage }, session: { ...sessionStorage }, history: [history.length, history.state],
      databases: await indexedDB.databases(), caches: await caches.keys(), cookie: document.cookie,
    }));
    return { ...inside, cookies: await context.cookies() };
  },
  async seen(ask) {
    const { seen } = of(ask.name);
    return { ...seen, answers: await Promise.all(seen.answers) };
  },
  async close(ask) {
    await of(ask.name).context.close();
    visitors.delete(ask.name);
  },
};

const late = ms => new Promise((_, no) => setTimeout(() => no(new Error(`not within ${ms} ms`)), ms).unref());

for await (const line of createInterface({ input: process.stdin })) {
  const ask = JSON.parse(line);
  let answer;
  try {
    answer = { well: await Promise.race([ACTS[ask.do](ask), late(2 * PATIENCE)]) ?? null };
  } catch (error) {
    answer = { failed: String(error.stack ?? error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
for (const { context } of visitors.values()) await context.close().catch(() => {});
await browser?.close();
process.exit(0);
