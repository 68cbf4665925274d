import { createHash } from "node:crypto";

/** The only style sheet, and no script: the page's policy allows nothing else. */
export const STYLE = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); --soft: color-mix(in srgb, currentColor 6%, transparent); --link: light-dark(#0b57d0, #8ab4f8); }
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; display: grid; grid-template-columns: 15rem minmax(0, 1fr); }
nav { position: sticky; top: 0; height: 100vh; overflow: auto; padding: 1.5rem 1rem; border-right: 1px solid var(--line); }
nav a { display: block; padding: .2rem 0; }
main { max-width: 62rem; padding: 1.5rem 2rem 6rem; }
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
h2 { margin: 3rem 0 .25rem; padding-top: .5rem; }
h3 { margin: 1.25rem 0 .25rem; font-size: .8rem; letter-spacing: .04em; text-transform: uppercase; opacity: .7; }
code { font: .9em/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
details { border: 1px solid var(--line); border-radius: .4rem; margin: .5rem 0; }
details > summary { cursor: pointer; padding: .45rem .8rem; }
details[open] > summary { border-bottom: 1px solid var(--line); background: var(--soft); }
details > div { padding: .3rem .8rem .9rem; }
.method { display: inline-block; min-width: 4.8rem; font-weight: 700; }
.summary { opacity: .75; margin-left: .6rem; }
table { border-collapse: collapse; width: 100%; }
td, th { border-top: 1px solid var(--line); padding: .3rem .6rem .3rem 0; text-align: left; vertical-align: top; }
th { font-weight: 600; white-space: nowrap; }
ul { margin: .2rem 0; padding-left: 1.2rem; }
.needed { font-weight: 600; }
@media (max-width: 50rem) { body { display: block; } nav { position: static; height: auto; border-right: 0; border-bottom: 1px solid var(--line); } main { padding: 1rem; } }
`;

const POLICY = `'sha256-${createHash("sha256").update(STYLE).digest("base64")}'`;

/** Of a page with this style sheet. */
export const PAGE_HEADERS = {
  "Content-Type": "text/html; charset=utf-8",
  "Content-Security-Policy": `default-src 'none'; style-src ${POLICY}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
};
