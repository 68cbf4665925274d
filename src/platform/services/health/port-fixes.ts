/** What to do about a relay's port that failed the platform's look, by the code of the failure. */
export function fixOfPort(port: "tls" | "ssh", code: string, relay: { name: string; port: number }): string {
  const clients = port === "tls" ? "clients and the platform" : "gateways and the platform";
  switch (code) {
    case "REQUEST_INVALID":
      return "Give the relay a public host, or start the platform with --allow-private-hosts if relays live in your own network.";
    case "TLS_UNTRUSTED":
    case "HOST_CERTIFICATE_REFUSED":
      return `Something else answers on port ${relay.port}, or the relay has an old certificate: check that the host belongs to this relay, then restart it or enroll it again ("sallyport relay deploy-command ${relay.name}").`;
    case "CERTIFICATE_REFUSED":
      return "The relay trusts another platform, or its clock is wrong: set its clock, then enroll it again.";
    case "SSH_PROTOCOL":
    case "TLS_FAILED":
      return `See what listens on port ${relay.port}: it does not speak as a relay does. A proxy or load balancer in between has to pass TCP through untouched.`;
    case "DRAINING":
      return "The relay is shutting down: start it again.";
    default:
      return `See whether the relay runs and listens on port ${relay.port}, and open that port to ${clients} in its firewall.`;
  }
}
