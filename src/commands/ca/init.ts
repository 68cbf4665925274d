import { shellWord } from "../../host/shell-word.ts";
import { initAuthority } from "../../pki/offline/init.ts";
import { command } from "../command.ts";
import { printJson, printLine } from "../output.ts";
import { caFlags, keyTypeOf, placeOf } from "./flags.ts";

export default command({
  name: "init",
  description: "Make a certificate hierarchy for one organisation",
  args: {
    ...caFlags,
    org: { type: "string", description: "Name of the organisation", valueHint: "NAME", required: true },
    "key-type": {
      type: "string",
      description: "Keys of authorities and certificates: ecdsa-p256 or rsa-2048",
      default: "ecdsa-p256",
    },
  },
  async run({ args }) {
    const place = placeOf(args);
    const { directory } = place;
    const { ca, keyFile } = await initAuthority(place, {
      orgName: args.org,
      keyType: keyTypeOf(args["key-type"]),
    });
    const { orgId, orgName, keyType } = ca;
    if (args.json) return printJson({ directory, keyFile, orgId, orgName, keyType });
    printLine(`Made the CA of ${orgName} (organisation ${orgId}) in ${directory}.`);
    if (keyFile) printLine(`Its private keys are sealed with ${keyFile}: back up both, in different places.`);
    printLine("Next, for each relay:");
    const dir = shellWord(directory);
    printLine(`  sallyport ca issue relay relay-1 --dir ${dir} --host relay.example.com --out relay-1`);
  },
});
