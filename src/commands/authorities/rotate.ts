import { command } from "../command.ts";
import { parseDuration } from "../duration.ts";
import { say } from "../output.ts";
import { openSession } from "../session.ts";
import { authorityArgs, ownerOf, printState } from "./state.ts";

export default command({
  name: "rotate",
  description: "Make new certificate authorities that take over without an interruption",
  args: {
    ...authorityArgs,
    overlap: {
      type: "string",
      description: "What relays and gateways get that can't be seen to trust the new ones (default 24h)",
      valueHint: "duration",
    },
    "retire-after": {
      type: "string",
      description:
        "How long the old ones stay trusted after that (default: as long as their last certificate runs)",
      valueHint: "duration",
    },
  },
  async run({ args }) {
    const { overlap, "retire-after": retireAfter } = args;
    const times = {
      ...(overlap !== undefined && { overlapSeconds: parseDuration(overlap, "--overlap") }),
      ...(retireAfter !== undefined && {
        retireAfterSeconds: parseDuration(retireAfter, "--retire-after"),
      }),
    };
    const client = await openSession(args);
    printState(await client.authorities.rotate(ownerOf(args), times), args.json ?? false);
    say('It goes on by itself. See how far it is with "sallyport authorities show".');
  },
});
