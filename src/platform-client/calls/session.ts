import { z } from "zod";
import { Calls, get, post } from "./calls.ts";
import { id, instant, messageAnswer, name, text } from "./fields.ts";

const loginAnswer = z.object({ accessToken: text.min(1), expiresAt: instant });
export type Login = z.infer<typeof loginAnswer>;

const whoAnswer = z.object({
  /** Absent for a machine identity. */
  user: z.object({ id, email: name }).optional(),
  identity: z.object({ id, name }).optional(),
  organisation: z.object({ id, name }),
});
export type Who = z.infer<typeof whoAnswer>;

/** The login that this client uses. */
export class SessionCalls extends Calls {
  /** Makes one, and needs none. */
  login(email: string, password: string): Promise<Login> {
    return this.call({ ...post("/v1/auth/login", { email, password }), answer: loginAnswer });
  }

  /** Ends it; an API token that lasts is left alone. */
  async logout(): Promise<void> {
    await this.call({ ...post("/v1/auth/logout", {}), answer: messageAnswer });
  }

  /** Whose it is. */
  who(): Promise<Who> {
    return this.call({ ...get("/v1/auth/me"), answer: whoAnswer });
  }
}

/** How a person or a machine identity is called. */
export function whoName({ user, identity }: Who): string {
  return user?.email ?? identity?.name ?? "somebody";
}
