import { describe, SallyportError, systemCode } from "../telemetry/error.ts";
import { formatHostPort } from "./address.ts";

/**
 * Why a port of ours can't be opened, and what to do. An address that is not here yet may come when the network does,
 * so that is no mistake of the configuration: a service manager tries again.
 */
export function cannotListen(hostname: string, port: number, cause: unknown): SallyportError {
  switch (systemCode(cause)) {
    case "EADDRINUSE": {
      const text = `Port ${port} on ${hostname} is in use by another program; choose another one or stop it.`;
      return new SallyportError("PORT_IN_USE", text, { cause });
    }
    case "EADDRNOTAVAIL": {
      const text = `This machine has no address ${hostname} to listen on: check --listen, and whether the network is up.`;
      return new SallyportError("ADDRESS_UNAVAILABLE", text, { cause });
    }
    case "EACCES": {
      const text = `This user may not listen on port ${port}: choose one above 1023, or let "install" make a service, which may.`;
      return new SallyportError("CONFIG_INVALID", text, { cause });
    }
    default: {
      const text = `Cannot listen on ${formatHostPort(hostname, port)}: ${describe(cause)}.`;
      return new SallyportError("CONFIG_INVALID", text, { cause });
    }
  }
}
