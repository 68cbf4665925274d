import { formatHostPort } from "../../host/address.ts";
import { command } from "../command.ts";
import { printJson, printLine, say } from "../output.ts";
import { addressArgs, addressSettings, databaseArgs, databaseSettings } from "./flags.ts";

export default command({
  name: "reset-password",
  description: "On the platform's machine: make a link for a new password, where no administrator can log in",
  args: {
    email: { type: "string", required: true, description: "The person's address", valueHint: "address" },
    ...addressArgs,
    ...databaseArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    const settings = await databaseSettings(args);
    const { listen, publicUrl } = addressSettings(args, settings.env);
    const { resetPasswordHere } = await import("../../platform/reset-password.ts");
    const made = await resetPasswordHere({
      ...settings,
      email: args.email,
      publicUrl: publicUrl ?? `http://${formatHostPort(listen.host, listen.port)}`,
    });
    if (args.json) return printJson(made);
    say(`It works once, until ${made.expiresAt}, with "sallyport login --password-reset":`);
    printLine(made.link);
  },
});
