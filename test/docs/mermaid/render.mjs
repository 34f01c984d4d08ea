// Renders the diagrams that it is given as a JSON list, and answers with a JSON
// list of what is wrong with each: nothing where it renders.
import { readFileSync } from 'node:fs';
import { JSDOM } from 'jsdom';

const { window } = new JSDOM('<!doctype html><body></body>', { pretendToBeVisual: true });
Object.assign(globalThis, { window, document: window.document, Element: window.Element, SVGElement: window.SVGElement });
for (const name of ['HTMLElement', 'DOMParser', 'XMLSerializer', 'CSSStyleSheet', 'Node']) {
  globalThis[name] ??= window[name];
}
// jsdom has no layout: every text is taken to be as wide as its letters.
const size = (e) => ({ x: 0, y: 0, width: 8 * (e.textContent?.length ?? 0), height: 20 });
Object.assign(window.SVGElement.prototype, {
  getBBox() { return size(this); },
  getComputedTextLength() { return size(this).width; },
  getBoundingClientRect() { return size(this); },
});

const { default: mermaid } = await import('mermaid');
mermaid.initialize({ startOnLoad: false, htmlLabels: false, flowchart: { htmlLabels: false } });

const wrong = [];
for (const [i, text] of JSON.parse(readFileSync(0, 'utf8')).entries()) {
  try {
    const { svg } = await mermaid.render(`diagram${i}`, text);
    wrong.push(svg.includes('Syntax error') ? 'it renders as a syntax error' : '');
  } catch (error) {
    wrong.push(String(error.message ?? error));
  }
}
process.stdout.write(JSON.stringify(wrong));
