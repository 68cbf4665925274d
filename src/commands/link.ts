import { SallyportError } from "../telemetry/error.ts";

/** A link that works once, as a platform makes it: a page of its own, and a token behind the #. */
export interface OnceLink {
  token: string;
  /** Of the platform that made it; undefined where the token alone was given. */
  domain: string | undefined;
}

interface LinkKind {
  flag: string;
  page: string;
  prefix: string;
}

export const INVITATION: LinkKind = { flag: "--invitation", page: "invitation", prefix: "spv_" };
export const PASSWORD_RESET: LinkKind = { flag: "--password-reset", page: "password-reset", prefix: "spr_" };

/** A link, or the token in it. @throws SallyportError USAGE, without repeating what was given */
export function parseLink(text: string, { flag, page, prefix }: LinkKind): OnceLink {
  const isToken = (part: string) => new RegExp(`^${prefix}[\\w-]{1,200}$`).test(part);
  if (isToken(text)) return { token: text, domain: undefined };
  const url = URL.parse(text);
  const token = url?.hash.slice(1) ?? "";
  const [, before] = new RegExp(`^(.*)/${page}/?$`).exec(url?.pathname ?? "") ?? [];
  if (url && /^https?:$/.test(url.protocol) && before !== undefined && isToken(token)) {
    return { token, domain: `${url.origin}${before}` };
  }
  throw new SallyportError(
    "USAGE",
    `${flag} has to be the whole link that you were given, in quotes: https://.../${page}#${prefix}...`,
  );
}
