/** Text that is HTML already. */
export class Html {
  constructor(readonly text: string) {}
}

type Piece = string | number | Html | readonly Html[] | undefined;

/** html`<b>${anything}</b>`: what is put in is escaped, unless it is HTML itself. */
export function html(words: TemplateStringsArray, ...pieces: Piece[]): Html {
  return new Html(words.map((word, i) => word + (i < pieces.length ? render(pieces[i]) : "")).join(""));
}

function render(piece: Piece): string {
  if (piece === undefined) return "";
  if (piece instanceof Html) return piece.text;
  if (typeof piece === "object") return piece.map(render).join("");
  return String(piece).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
