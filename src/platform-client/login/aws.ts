import { createHash, createHmac, randomBytes } from "node:crypto";
import { describe, SallyportError } from "../../telemetry/error.ts";

/** What a platform is given to log in by AWS (PROTOCOL A.1): a request for AWS STS, signed and not sent. */
export interface AwsProof {
  method: "aws";
  iamHttpRequestMethod: "POST";
  /** base64. */
  iamRequestBody: string;
  /** base64 of a JSON object. */
  iamRequestHeaders: string;
}

interface Audience {
  /** Undefined = a platform that says none, such as Infisical's. */
  platformId: string | undefined;
  /** Of the gateway or the relay that logs in. */
  id: string;
}

const BODY = "Action=GetCallerIdentity&Version=2011-06-15";
const CONTENT_TYPE = "application/x-www-form-urlencoded; charset=utf-8";
/** Of one try at the metadata service, which answers at once where there is one. */
const METADATA = { timeout: 2000, maxRetries: 2 };
const DEADLINE_MS = 20_000;

/**
 * Signs the call by which AWS will confirm who this machine is, with the credentials that AWS's tools would use:
 * environment, profile, container, web identity, instance metadata. Names the platform and the resource that it is for,
 * so that nobody else can use it (EXTENSIONS X8).
 * @throws SallyportError CONFIG_INVALID when this machine has no credentials
 */
export async function signAwsLogin(
  { platformId, id }: Audience,
  env: Readonly<Record<string, string | undefined>>,
): Promise<AwsProof> {
  // Loaded here: nobody else is to wait for it.
  const [{ fromNodeProviderChain }, { SignatureV4 }] = await Promise.all([
    import("@aws-sdk/credential-providers"),
    import("@smithy/signature-v4"),
  ]);
  const region = env.AWS_REGION || env.AWS_DEFAULT_REGION || "us-east-1";
  const host = `sts.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`;
  const signer = new SignatureV4({
    credentials: await loadCredentials(fromNodeProviderChain(METADATA)),
    region,
    service: "sts",
    sha256: Sha256,
    applyChecksum: false,
  });
  const signed = await signer.sign({
    method: "POST",
    protocol: "https:",
    hostname: host,
    path: "/",
    query: {},
    headers: {
      Host: host,
      "Content-Length": String(BODY.length),
      "Content-Type": CONTENT_TYPE,
      ...(platformId !== undefined && { "X-Sallyport-Server-Id": `${platformId}/${id}/${nonce()}` }),
    },
    body: BODY,
  });
  // As Infisical's CLI does: the length is signed, not sent.
  const { "Content-Length": _length, ...headers } = signed.headers;
  return {
    method: "aws",
    iamHttpRequestMethod: "POST",
    iamRequestBody: toBase64(BODY),
    iamRequestHeaders: toBase64(JSON.stringify(headers)),
  };
}

async function loadCredentials<T>(load: () => Promise<T>): Promise<T> {
  let timer: Timer | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error("no answer in time")), DEADLINE_MS);
  });
  try {
    return await Promise.race([load(), late]);
  } catch (cause) {
    throw new SallyportError(
      "CONFIG_INVALID",
      `This machine has no AWS credentials to log in with (${describe(cause).slice(0, 200)}): attach a role to the ` +
        "instance, task or pod, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
      { cause },
    );
  } finally {
    clearTimeout(timer);
  }
}

function nonce(): string {
  return randomBytes(16).toString("base64url");
}

function toBase64(text: string): string {
  return Buffer.from(text).toString("base64");
}

type Source = Parameters<InstanceType<SignerHash>["update"]>[0];
type SignerHash = ConstructorParameters<typeof import("@smithy/signature-v4").SignatureV4>[0]["sha256"];

/** The hash and the MAC that the signer computes with. */
class Sha256 {
  readonly #secret: Source | undefined;
  #hash: ReturnType<typeof createHash> | ReturnType<typeof createHmac>;

  constructor(secret?: Source) {
    this.#secret = secret;
    this.#hash = this.#fresh();
  }

  update(data: Source): void {
    this.#hash.update(bytes(data));
  }

  async digest(): Promise<Uint8Array> {
    return new Uint8Array(this.#hash.digest());
  }

  reset(): void {
    this.#hash = this.#fresh();
  }

  #fresh() {
    return this.#secret === undefined ? createHash("sha256") : createHmac("sha256", bytes(this.#secret));
  }
}

function bytes(source: Source): Buffer {
  if (typeof source === "string") return Buffer.from(source);
  return ArrayBuffer.isView(source)
    ? Buffer.from(source.buffer, source.byteOffset, source.byteLength)
    : Buffer.from(source);
}
