import { resolve } from "node:path";
import { formatHostPort } from "../../host/address.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { command } from "../command.ts";
import { nextCommand } from "../next-command.ts";
import { printJson, printLine, say } from "../output.ts";
import { addressArgs, addressSettings, databaseArgs, databaseSettings } from "./flags.ts";

export default command({
  name: "bootstrap",
  description: "Create the organisation, its first administrator and an API token, shown once",
  args: {
    email: {
      type: "string",
      required: true,
      description: "The administrator's address",
      valueHint: "address",
    },
    org: {
      type: "string",
      description: "Name of the organisation; with --ca-dir it is the CA's",
      valueHint: "name",
    },
    "ca-dir": {
      type: "string",
      description: 'Go on with the certificate hierarchy that "sallyport ca init" made there',
      valueHint: "directory",
    },
    "ca-key-file": {
      type: "string",
      description: "Key that seals that hierarchy (default: beside its directory; or SALLYPORT_CA_KEY)",
      valueHint: "file",
    },
    ...addressArgs,
    ...databaseArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    if (args.org === undefined && args["ca-dir"] === undefined) {
      throw new SallyportError("USAGE", "Name the organisation with --org, or adopt one with --ca-dir.");
    }
    const settings = await databaseSettings(args);
    const { listen, publicUrl } = addressSettings(args, settings.env);
    const url = publicUrl ?? `http://${formatHostPort(listen.host, listen.port)}`;
    const { bootstrapPlatform } = await import("../../platform/bootstrap-platform.ts");
    const made = await bootstrapPlatform({
      ...settings,
      email: args.email,
      organisation: args.org,
      ca:
        args["ca-dir"] === undefined
          ? undefined
          : { directory: resolve(args["ca-dir"]), keyFile: args["ca-key-file"] },
    });
    if (args.json) return printJson({ ...made, url });
    printLine(`Organisation  ${made.organisation} (${made.organisationId})`);
    printLine(`Administrator ${made.email}`);
    printLine(`Password      ${made.password}`);
    printLine(`API token     ${made.token}`);
    say("Keep both now: they are shown this once. Start the platform, then log in with the e-mail address:");
    say(`  ${nextCommand("platform", "start", ...sameFlags(args))}`);
    say(`  ${nextCommand("login", "--domain", url)}`);
  },
});

/** What `start` has to be told as well. The database's address may hold a password, so it is not repeated. */
function sameFlags(args: { [flag in "listen" | "public-url" | "data-dir"]?: string | undefined }): string[] {
  const { listen, "public-url": publicUrl, "data-dir": dataDir } = args;
  return [
    ...(listen ? [`--listen=${listen}`] : []),
    ...(publicUrl ? [`--public-url=${publicUrl}`] : []),
    ...(dataDir ? [`--data-dir=${resolve(dataDir)}`] : []),
  ];
}
