import type { CommandDef } from "citty";
import { VERSION } from "../version.ts";

/** Every noun loads its code only when it is called: `--version` must not pay for TLS, SSH or SQL. */
export const root: CommandDef = {
  meta: {
    name: "sallyport",
    version: VERSION,
    description: "Reach private services without an inbound port",
  },
  subCommands: {
    alert: () => import("./alert/index.ts").then((module) => module.default),
    audit: () => import("./audit/index.ts").then((module) => module.default),
    authorities: () => import("./authorities/index.ts").then((module) => module.default),
    ca: () => import("./ca/index.ts").then((module) => module.default),
    completions: () => import("./completions.ts").then((module) => module.default),
    connect: () => import("./connect.ts").then((module) => module.default),
    "demo-target": () => import("./demo-target.ts").then((module) => module.default),
    doctor: () => import("./doctor/index.ts").then((module) => module.default),
    gateway: () => import("./gateway/index.ts").then((module) => module.default),
    identity: () => import("./identity/index.ts").then((module) => module.default),
    login: () => import("./login.ts").then((module) => module.default),
    logout: () => import("./logout.ts").then((module) => module.default),
    org: () => import("./org/index.ts").then((module) => module.default),
    platform: () => import("./platform/index.ts").then((module) => module.default),
    pool: () => import("./pool/index.ts").then((module) => module.default),
    quickstart: () => import("./quickstart/index.ts").then((module) => module.default),
    relay: () => import("./relay/index.ts").then((module) => module.default),
    resource: () => import("./resource/index.ts").then((module) => module.default),
    role: () => import("./role/index.ts").then((module) => module.default),
    token: () => import("./token/index.ts").then((module) => module.default),
    user: () => import("./user/index.ts").then((module) => module.default),
    version: () => import("./version.ts").then((module) => module.default),
  },
};
