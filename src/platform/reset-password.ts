import { SallyportError } from "../telemetry/error.ts";
import { emailAddress } from "./api/person-fields.ts";
import { type CoreOptions, openPresentDatabase } from "./open-core.ts";
import { makePasswordResetHere, type PasswordResetLink } from "./services/people/password-reset.ts";
import { migrate } from "./store/migrate.ts";

interface Order extends Pick<CoreOptions, "dataDir" | "databaseUrl"> {
  email: string;
  /** Where people reach the platform. */
  publicUrl: string;
}

/**
 * A link for a new password, made on the platform's own machine, whether the platform runs or not: for the last
 * administrator, for whom nobody else can make one.
 * @throws SallyportError NOT_FOUND, USAGE, DATABASE_UNAVAILABLE
 */
export async function resetPasswordHere({ email, publicUrl, ...place }: Order): Promise<PasswordResetLink> {
  const address = emailAddress.safeParse(email);
  if (!address.success) throw new SallyportError("USAGE", "--email has to be an e-mail address.");
  const store = await openPresentDatabase(place);
  try {
    await migrate(store);
    return await makePasswordResetHere(store, { email: address.data, publicUrl, now: new Date() });
  } finally {
    await store.close();
  }
}
