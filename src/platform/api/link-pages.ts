import { Html, html } from "./docs/html.ts";
import { PAGE_HEADERS, STYLE } from "./docs/style.ts";
import { htmlAnswer } from "./fields.ts";
import { declareRoute, routes } from "./route.ts";

const INVITATION = page({
  title: "You are invited",
  about: "With this link you join an organisation on this Sallyport platform. It works once.",
  flag: "--invitation",
});

const PASSWORD_RESET = page({
  title: "Choose a new password",
  about: "With this link you choose a new password on this Sallyport platform. It works once.",
  flag: "--password-reset",
});

const invitation = declareRoute(["anyone"], {
  method: "get",
  path: "/invitation",
  summary: "What an invitation's link is for",
  responses: htmlAnswer("Says how to use the link; the token behind its # is not sent here"),
});

const passwordReset = declareRoute(["anyone"], {
  method: "get",
  path: "/password-reset",
  summary: "What a link for a new password is for",
  responses: htmlAnswer("Says how to use the link; the token behind its # is not sent here"),
});

/** Where links lead that people are given: whoever opens one in a browser is told what to do with it. */
export const linkPageRoutes = routes()
  .openapi(invitation, (c) => c.body(INVITATION, 200, PAGE_HEADERS))
  .openapi(passwordReset, (c) => c.body(PASSWORD_RESET, 200, PAGE_HEADERS));

/** The same for everybody, and without a script: who holds the link is nobody's business before they use it. */
function page({ title, about, flag }: { title: string; about: string; flag: string }): string {
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title}</title><style>${new Html(STYLE)}</style></head>
<body><nav>Sallyport</nav><main><h1>${title}</h1>
<p>${about}</p>
<p>Copy the whole address of this page, with what follows the #, and run in a terminal:</p>
<p><code>sallyport login ${flag} '&lt;the address of this page&gt;'</code></p>
</main></body></html>
`.text;
}
