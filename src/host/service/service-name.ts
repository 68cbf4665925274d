import { requireGatewayName, requireRelayName } from "../names.ts";
import type { Role } from "../paths.ts";

/**
 * The name of a gateway's or relay's service: `sallyport-gateway-<name>`, `sallyport-relay-<name>`. The role in front
 * keeps a gateway that is called `ssh` or `systemd-journald` away from the machine's own units (ACCEPTANCE B4), and a
 * gateway and a relay of one name apart. Infisical's services carry the bare name.
 * @throws SallyportError NAME_INVALID
 */
export function serviceName(role: Role, name: string): string {
  return `sallyport-${role}-${role === "gateway" ? requireGatewayName(name) : requireRelayName(name)}`;
}
