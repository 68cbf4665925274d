import { z } from "@hono/zod-openapi";
import { SallyportError } from "../../telemetry/error.ts";
import { makePasswordReset, resetPassword } from "../services/people/password-reset.ts";
import { answers, jsonBody } from "./fields.ts";
import { newPassword, personReference } from "./person-fields.ts";
import { declareRoute, HOLDERS, requireHolder, routes } from "./route.ts";

/** A day, and at most three. */
const validForHours = z.int().min(1).max(72).default(24);

const make = declareRoute(
  { to: HOLDERS, right: "edit-members" },
  {
    method: "post",
    path: "/api/v1/members/{idOrEmail}/password-reset",
    summary: "Make a link for a new password",
    request: { params: personReference, body: jsonBody(z.object({ validForHours })) },
    responses: answers(
      z.object({ email: z.string(), expiresAt: z.string(), link: z.string() }),
      "The link, shown this once: pass it on to the person. For somebody of other organisations too an administrator of the instance makes it",
    ),
  },
);

const use = declareRoute(["anyone"], {
  method: "post",
  path: "/api/v1/auth/password/reset",
  summary: "Choose a new password by a link",
  request: { body: jsonBody(z.object({ token: z.string().min(1).max(512), password: newPassword })) },
  responses: answers(z.object({ email: z.string() }), "Changed; every session of the person is over"),
});

/** For people who have forgotten their password. */
export const passwordResetRoutes = routes()
  .openapi(make, async (c) => {
    const { idOrEmail } = c.req.valid("param");
    const holder = requireHolder(c.var.actor);
    return c.json(await makePasswordReset(c.var.services.core, holder, idOrEmail, c.req.valid("json")), 200);
  })
  .openapi(use, async (c) => {
    const { core, limiter } = c.var.services;
    const request = { ...c.req.valid("json"), address: c.env.address };
    const changed = await resetPassword(core, request).catch((error: unknown) => {
      const isWrong = error instanceof SallyportError && error.code === "NOT_FOUND";
      throw isWrong ? limiter.failed(c.env.address, "password reset", error) : error;
    });
    return c.json(changed, 200);
  });
