import type { Logger } from "../../telemetry/log.ts";
import type { Store } from "../store/database.ts";
import type { Sts } from "./auth-methods/sts.ts";
import type { Authorities } from "./authorities/authorities.ts";
import type { HostRule } from "./host-rule.ts";
import type { Keyring } from "./keys/keyring.ts";
import type { AccessTokens } from "./login/access-tokens.ts";
import type { TokenUses } from "./login/token-uses.ts";
import type { PasswordCost } from "./people/passwords.ts";

/** What every decision needs. One per process; holds nothing that a second replica would miss. */
export interface Core {
  store: Store;
  keyring: Keyring;
  authorities: Authorities;
  accessTokens: AccessTokens;
  /** Which hosts relays may have. */
  hostRule: HostRule;
  /** Asks AWS who signed a login. */
  sts: Sts;
  /** What instance relays register with; undefined = they can't. */
  relayAuthSecret: string | undefined;
  passwordCost: PasswordCost;
  /** Notes when tokens are used. */
  tokenUses: TokenUses;
  /** Where people and agents reach this platform, without a trailing slash. */
  publicUrl: () => string;
  now: () => Date;
  log: Logger;
}

/** Bounds per organisation (of relays also per instance, of grants per resource, of secrets per machine identity): each is far above what people use and keeps lists short. */
export const LIMITS = {
  gateways: 50,
  relays: 100,
  pools: 50,
  resources: 1000,
  alertDestinations: 20,
  grants: 1000,
  identities: 500,
  organisations: 1000,
  members: 10_000,
  invitations: 500,
  roles: 100,
  tokens: 100,
  secrets: 20,
} as const;
