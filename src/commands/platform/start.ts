import { secret, setting } from "../../host/environment.ts";
import { onHangup, onShutdown } from "../../host/signals.ts";
import { command } from "../command.ts";
import { addressArgs, addressSettings, databaseArgs, databaseSettings, stsEndpoint } from "./flags.ts";
import { listenArgs, listenSettings } from "./listen-flags.ts";

export default command({
  name: "start",
  description: "Run the control plane until it is told to stop",
  args: {
    ...addressArgs,
    ...listenArgs,
    ...databaseArgs,
    "allow-private-hosts": {
      type: "boolean",
      description: "Relays may have private addresses (or SALLYPORT_ALLOW_PRIVATE_HOSTS=1)",
    },
    "aws-sts-endpoint": {
      type: "string",
      description:
        "Ask AWS STS there instead of at AWS's own hosts, for example a private endpoint (or SALLYPORT_AWS_STS_ENDPOINT)",
      valueHint: "url",
    },
  },
  async run({ args, repeated }) {
    const settings = await databaseSettings(args);
    const { env, log } = settings;
    const { listen, publicUrl } = addressSettings(args, env);
    const { tls, trustedProxies } = listenSettings(args, repeated("trusted-proxy"), env);
    const { startPlatform } = await import("../../platform/platform.ts");
    const platform = await startPlatform({
      ...settings,
      listen: { hostname: listen.host, port: listen.port },
      publicUrl,
      tls,
      trustedProxies,
      allowPrivateHosts: args["allow-private-hosts"] ?? isTrue(setting(env, "ALLOW_PRIVATE_HOSTS")),
      stsEndpoint: stsEndpoint(args["aws-sts-endpoint"] ?? setting(env, "AWS_STS_ENDPOINT")),
      relayAuthSecret: (await secret(env, "RELAY_AUTH_SECRET")) ?? env.RELAY_AUTH_SECRET,
    });
    // The TLS certificate is what there is to take anew, and its listener hears the same signal.
    const stopListening = onHangup(() => log.info("Reloading", { tls: tls !== undefined }));
    await onShutdown(() => platform.close(), { log });
    stopListening();
  },
});

function isTrue(text: string | undefined): boolean {
  return text === "1" || text?.toLowerCase() === "true";
}
