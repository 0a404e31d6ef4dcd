import { expect, test } from "vitest";
import { checkSection, htmlTable, pageOf, text } from "./page.js";
import { expectWhole, numbersOf } from "./testing.js";

const page = { title: "A < B", lead: "<b>Lead</b>", body: "<p>Body</p>", quick: false, results: { a: "</script>" } };

test("a page loads nothing, and its numbers can be read from it", () => {
  const html = pageOf({ ...page, footer: "Foot", script: "f()", style: ".own {}", above: "<i>up</i>" });
  expectWhole(html);
  expect(JSON.parse(numbersOf(html))).toEqual(page.results);
  expect(html.match(/<\/script>/g)).toHaveLength(2);
  for (const part of ["<title>A &lt; B</title>", "<b>Lead</b>", "<i>up</i>", ".own {}", "<footer><p>Foot</p></footer>"])
    expect(html).toContain(part);
});

test("a quick run is told", () => {
  expect(pageOf(page)).not.toContain("--quick");
  expect(pageOf({ ...page, quick: true })).toContain("This is a <code>--quick</code> run");
});

test("tables mark numbers, and what is wrong", () => {
  const html = htmlTable({ heads: ["a", "b"], rows: [["<", "1 ✗"]] });
  expect(html).toContain('<th>a</th><th class="number">b</th>');
  expect(html).toContain('<td>&lt;</td><td class="number wrong">1 ✗</td>');
});

test("claims, held and missed", () => {
  expect(checkSection([])).toBe("");
  const html = checkSection([{ claim: "a", holds: true }, { claim: '"b"', holds: false }]); // prettier-ignore
  expect(html).toContain(`<li class="holds">a</li><li class="missed">${text('"b"')}</li>`);
});
