import { z } from "zod";
import { Calls, del, get, patch, path, post } from "./calls.ts";
import { instant, messageAnswer, short, text, time } from "./fields.ts";

const named = z.object({ id: short, name: short });
export type Named = z.infer<typeof named>;

const organisationSettings = named.extend({ requireGatewayPools: z.boolean() });
export type OrganisationSettings = z.infer<typeof organisationSettings>;

const membership = named.extend({ role: named, current: z.boolean() });
export type Membership = z.infer<typeof membership>;

const memberRow = z.object({
  id: short,
  email: short,
  name: short.nullable(),
  role: named,
  joinedAt: time,
});
export type MemberRow = z.infer<typeof memberRow>;

const invitationRow = z.object({ id: short, email: short, role: named, createdAt: time, expiresAt: time });
export type InvitationRow = z.infer<typeof invitationRow>;

const createdInvitation = z.object({
  id: short,
  email: short,
  role: named,
  expiresAt: instant,
  link: text.min(1),
});
export type CreatedInvitation = z.infer<typeof createdInvitation>;

const offer = z.object({
  email: short,
  organisation: short,
  role: short,
  expiresAt: instant,
  known: z.boolean(),
});
export type Offer = z.infer<typeof offer>;

const acceptedInvitation = z.object({ accessToken: text.min(1), email: short, organisation: named });

const passwordReset = z.object({ email: short, expiresAt: instant, link: text.min(1) });
export type PasswordReset = z.infer<typeof passwordReset>;

const roleRow = named.extend({ builtIn: z.boolean(), rights: z.array(short).max(1000) });
export type RoleRow = z.infer<typeof roleRow>;

const rightRow = z.object({ name: short, description: z.string().max(1000) });
export type RightRow = z.infer<typeof rightRow>;

const tokenRow = z.object({
  id: short,
  kind: z.enum(["session", "token"]),
  name: short,
  createdAt: time,
  expiresAt: time,
  /** To the minute; undefined from an older platform. */
  lastUsedAt: time.optional(),
  current: z.boolean(),
});
export type TokenRow = z.infer<typeof tokenRow>;

const createdToken = tokenRow.extend({ token: text.min(1) });
export type CreatedToken = z.infer<typeof createdToken>;

/** The calls about people, their organisations, roles and tokens. */
export class PeopleCalls extends Calls {
  /** Where whoever is logged in belongs. */
  organisations(): Promise<Membership[]> {
    return this.call({ ...get("/v1/auth/organisations"), answer: z.array(membership).max(10_000) });
  }

  /** For administrators of the instance. */
  createOrganisation(name: string): Promise<Named> {
    return this.call({ ...post("/v1/organisations", { name }), answer: named });
  }

  renameOrganisation(name: string): Promise<Named> {
    return this.call({ ...patch("/v1/organisation", { name }), answer: named });
  }

  updateOrganisation(change: { requireGatewayPools: boolean }): Promise<OrganisationSettings> {
    return this.call({ ...patch("/v1/organisation", change), answer: organisationSettings });
  }

  /** The session goes on there. @param organisation name or id */
  switchOrganisation(organisation: string): Promise<Named> {
    return this.call({ ...post("/v1/auth/organisation", { organisation }), answer: named });
  }

  members(): Promise<MemberRow[]> {
    return this.call({ ...get("/v1/members"), answer: z.array(memberRow).max(20_000) });
  }

  /** @param who id or e-mail address @param role name or id */
  changeMember(who: string, role: string): Promise<MemberRow> {
    return this.call({ ...patch(path`/v1/members/${who}`, { role }), answer: memberRow });
  }

  /** Their tokens are worthless and what they have open is cut. */
  removeMember(who: string): Promise<MemberRow> {
    return this.call({ ...del(path`/v1/members/${who}`), answer: memberRow });
  }

  invite(body: { email: string; role: string; validForHours?: number }): Promise<CreatedInvitation> {
    return this.call({ ...post("/v1/invitations", body), answer: createdInvitation });
  }

  invitations(): Promise<InvitationRow[]> {
    return this.call({ ...get("/v1/invitations"), answer: z.array(invitationRow).max(1000) });
  }

  async withdrawInvitation(id: string): Promise<void> {
    await this.call({ ...del(path`/v1/invitations/${id}`), answer: messageAnswer });
  }

  /** Needs no login. */
  readInvitation(token: string): Promise<Offer> {
    return this.call({ ...post("/v1/auth/invitation", { token }), answer: offer });
  }

  /** Needs no login, and makes one. */
  acceptInvitation(body: { token: string; password: string; name?: string }) {
    return this.call({ ...post("/v1/auth/invitation/accept", body), answer: acceptedInvitation });
  }

  async changePassword(body: { currentPassword: string; newPassword: string }): Promise<void> {
    await this.call({ ...post("/v1/auth/password", body), answer: messageAnswer });
  }

  /** @param who id or e-mail address */
  makePasswordReset(who: string, validForHours: number): Promise<PasswordReset> {
    const order = post(path`/v1/members/${who}/password-reset`, { validForHours });
    return this.call({ ...order, answer: passwordReset });
  }

  /** Needs no login. */
  resetPassword(body: { token: string; password: string }): Promise<{ email: string }> {
    return this.call({ ...post("/v1/auth/password/reset", body), answer: z.object({ email: short }) });
  }

  roles(): Promise<RoleRow[]> {
    return this.call({ ...get("/v1/roles"), answer: z.array(roleRow).max(1000) });
  }

  role(idOrName: string): Promise<RoleRow> {
    return this.call({ ...get(path`/v1/roles/${idOrName}`), answer: roleRow });
  }

  /** Every right there is, in words. */
  rights(): Promise<RightRow[]> {
    return this.call({ ...get("/v1/rights"), answer: z.array(rightRow).max(1000) });
  }

  createRole(body: { name: string; rights: string[] }): Promise<RoleRow> {
    return this.call({ ...post("/v1/roles", body), answer: roleRow });
  }

  changeRole(idOrName: string, body: { name?: string; rights?: string[] }): Promise<RoleRow> {
    return this.call({ ...patch(path`/v1/roles/${idOrName}`, body), answer: roleRow });
  }

  async deleteRole(idOrName: string): Promise<void> {
    await this.call({ ...del(path`/v1/roles/${idOrName}`), answer: roleRow });
  }

  tokens(): Promise<TokenRow[]> {
    return this.call({ ...get("/v1/auth/tokens"), answer: z.array(tokenRow).max(1000) });
  }

  /** @param who id or e-mail address of somebody else */
  tokensOf(who: string): Promise<TokenRow[]> {
    return this.call({ ...get(path`/v1/members/${who}/tokens`), answer: z.array(tokenRow).max(1000) });
  }

  async revokeTokenOf(who: string, id: string): Promise<void> {
    await this.call({ ...del(path`/v1/members/${who}/tokens/${id}`), answer: tokenRow });
  }

  /** @param body `expiresAt` is RFC 3339; without it the token lasts until it is revoked */
  createToken(body: { name: string; expiresAt?: string }): Promise<CreatedToken> {
    return this.call({ ...post("/v1/auth/tokens", body), answer: createdToken });
  }

  async revokeToken(id: string): Promise<void> {
    await this.call({ ...del(path`/v1/auth/tokens/${id}`), answer: tokenRow });
  }
}
