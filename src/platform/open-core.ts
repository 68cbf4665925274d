import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { environmentFetch } from "../client/environment-fetch.ts";
import { makePrivateDirectory } from "../host/atomic-file.ts";
import type { Environment } from "../host/environment.ts";
import { warnOfExposed } from "../host/exposed-files.ts";
import { SallyportError } from "../telemetry/error.ts";
import type { Logger } from "../telemetry/log.ts";
import { Sts } from "./services/auth-methods/sts.ts";
import { Authorities } from "./services/authorities/authorities.ts";
import type { Core } from "./services/core.ts";
import { HostRule } from "./services/host-rule.ts";
import { Keyring, opensWith } from "./services/keys/keyring.ts";
import {
  givenRootKey,
  localRootKey,
  missingRootKey,
  nextRootKeyPath,
  readRootKey,
  rootKeyPath,
} from "./services/keys/root-key.ts";
import { AccessTokens } from "./services/login/access-tokens.ts";
import { TokenUses } from "./services/login/token-uses.ts";
import { PASSWORD_COST, type PasswordCost } from "./services/people/passwords.ts";
import { openDatabase, requirePostgresUrl, type Store } from "./store/database.ts";
import { findInstance, type InstanceRow } from "./store/instance.ts";
import { migrate } from "./store/migrate.ts";

export interface CoreOptions {
  /** Holds the SQLite file and the set-up token; made when missing. */
  dataDir: string;
  /** PostgreSQL instead of SQLite. */
  databaseUrl?: string | undefined;
  /** Where the root key is looked up. */
  env: Environment;
  publicUrl: () => string;
  /** Relays may have private addresses. */
  allowPrivateHosts?: boolean;
  /** The platform can only be reached from this machine. */
  onLoopback?: boolean;
  /** What instance relays register with; without it they can't. */
  relayAuthSecret?: string | undefined;
  /** Where AWS STS is asked instead of at AWS's own hosts; https, or http to this machine. */
  stsEndpoint?: string | undefined;
  /** Of hashing a password. `PASSWORD_COST` unless told, and only tests tell. */
  passwordCost?: PasswordCost;
  log: Logger;
  now?: () => Date;
}

/**
 * Opens everything below the API: the database at this program's schema, the root key, the authorities.
 * @throws SallyportError DATABASE_UNAVAILABLE, DATABASE_TOO_NEW, ROOT_KEY_MISMATCH, CONFIG_INVALID, FILE_UNWRITABLE
 */
export async function openCore(options: CoreOptions): Promise<Core> {
  await requireRootKey(options);
  const store = await openDataDirectory(options);
  try {
    const steps = await migrate(store);
    if (steps.length > 0) options.log.info("Brought the database forward", { steps: steps.join(", ") });
    return await assemble(store, await openRootKey(store, options), options);
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** The database as it is, in a data directory that is made when missing. */
export async function openDataDirectory(
  options: Pick<CoreOptions, "dataDir" | "databaseUrl">,
): Promise<Store> {
  const dataDir = resolve(options.dataDir);
  // An existing directory keeps its mode: it may be shared, and it is its owner's.
  if (!existsSync(dataDir)) await makePrivateDirectory(dataDir);
  return await openDatabase({ databaseUrl: options.databaseUrl, file: databaseFile(dataDir) });
}

/** A database that has to be there already. @throws SallyportError NOT_FOUND, and makes nothing then */
export async function openPresentDatabase(
  options: Pick<CoreOptions, "dataDir" | "databaseUrl">,
): Promise<Store> {
  const dataDir = resolve(options.dataDir);
  if (options.databaseUrl === undefined && !existsSync(databaseFile(dataDir))) {
    throw new SallyportError("NOT_FOUND", `There is no platform in ${dataDir}: name its --data-dir.`);
  }
  return await openDataDirectory(options);
}

function databaseFile(dataDir: string): string {
  return join(dataDir, "sallyport.db");
}

/** Before anything is made: with PostgreSQL the key has to be given. @throws SallyportError CONFIG_INVALID */
async function requireRootKey({ databaseUrl, env }: Pick<CoreOptions, "databaseUrl" | "env">): Promise<void> {
  if (databaseUrl === undefined) return;
  requirePostgresUrl(databaseUrl);
  if ((await givenRootKey(env)) === undefined) throw missingRootKey();
}

/**
 * The key that is given, or the one beside the data directory, made when the database is new.
 * @param inUse something is sealed already: a new key would be of no use; found out unless told
 * @throws SallyportError ROOT_KEY_MISMATCH, CONFIG_INVALID, FILE_UNREADABLE, FILE_UNWRITABLE
 */
export async function openRootKey(
  store: Store,
  options: Pick<CoreOptions, "dataDir" | "databaseUrl" | "env" | "log">,
  inUse?: boolean,
): Promise<Uint8Array> {
  const given = await givenRootKey(options.env);
  if (given !== undefined) return given;
  if (options.databaseUrl !== undefined) throw missingRootKey();
  if (inUse) return await rootKeyBeside(options, true);
  const instance = await findInstance(store.read);
  const key = await rootKeyBeside(options, instance !== undefined);
  if (instance && !opensWith(key, instance)) await explainUnfinishedRotation(options.dataDir, instance);
  return key;
}

/** @throws SallyportError ROOT_KEY_MISMATCH when the next key is the one already */
async function explainUnfinishedRotation(dataDir: string, instance: InstanceRow): Promise<void> {
  const next = nextRootKeyPath(dataDir);
  if (!existsSync(next) || !opensWith(await readRootKey(next), instance)) return;
  throw new SallyportError(
    "ROOT_KEY_MISMATCH",
    `A rotation of the root key was interrupted, and the database is sealed under ${next} already: run "sallyport platform rotate-root-key" again to finish it.`,
  );
}

async function rootKeyBeside(
  options: Pick<CoreOptions, "dataDir" | "log">,
  inUse: boolean,
): Promise<Uint8Array> {
  const { key, made } = await localRootKey({ dataDir: options.dataDir, inUse });
  await warnOfExposed([rootKeyPath(options.dataDir)], options.log);
  if (made !== undefined) {
    options.log.warn("Made the root key: keep a copy of it apart from the data, nothing opens without it", {
      file: made,
    });
  } else if (!inUse) {
    options.log.warn(
      "The database is new, but its root key was here before: is this the right data directory, and is its disk mounted?",
      { dataDir: resolve(options.dataDir) },
    );
  }
  return key;
}

async function assemble(store: Store, rootKey: Uint8Array, options: CoreOptions): Promise<Core> {
  const { log, publicUrl } = options;
  const now = options.now ?? (() => new Date());
  const keyring = await Keyring.open(store, rootKey, now());
  const authorities = new Authorities(store, keyring, now);
  await authorities.preload();
  return {
    store,
    keyring,
    authorities,
    accessTokens: new AccessTokens(keyring.jwtSecret, now),
    hostRule: new HostRule({
      allowPrivate: options.allowPrivateHosts ?? false,
      onLoopback: options.onLoopback ?? false,
    }),
    sts: new Sts({ endpoint: options.stsEndpoint, fetch: environmentFetch(options.env) ?? fetch }),
    relayAuthSecret: options.relayAuthSecret,
    passwordCost: options.passwordCost ?? PASSWORD_COST,
    tokenUses: new TokenUses({ store, now, log }),
    publicUrl,
    now,
    log,
  };
}
