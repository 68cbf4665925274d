import { SallyportError } from "../../../telemetry/error.ts";
import { command } from "../../command.ts";
import { say } from "../../output.ts";
import { openSession, sessionArgs } from "../../session.ts";
import { identityArg } from "../flags.ts";

export default command({
  name: "revoke",
  description: "Revoke a client secret with every access token that it gave; what they opened is cut at once",
  args: {
    identity: identityArg,
    secret: { type: "positional", required: true, description: "Id of the secret", valueHint: "id" },
    ...sessionArgs,
  },
  async run({ args }) {
    const { identities } = await openSession(args);
    const secrets = await identities.listSecrets(args.identity);
    if (!secrets.some(({ id }) => id === args.secret)) {
      throw new SallyportError(
        "NOT_FOUND",
        `${args.identity} has no such secret: see "sallyport identity secret list ${args.identity}".`,
      );
    }
    await identities.revokeSecret(args.identity, args.secret);
    say(`Revoked the secret ${args.secret} of ${args.identity}.`);
  },
});
