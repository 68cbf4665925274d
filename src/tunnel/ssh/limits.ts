const KIB = 1024;
const MIB = 1024 * KIB;

/** Everything that bounds one SSH connection (ACCEPTANCE, "Limits to ship"). */
export interface SshLimits {
  /** From accept to authenticated. */
  loginGraceMs: number;
  /** Refused authentication requests; the first `none` does not count. */
  authTries: number;
  /** Channels at once, those in the making and those not closed by both ends included. */
  channels: number;
  /** Channel opens, counted for either end on its own. */
  opensPerSecond: number;
  opensBurst: number;
  /** New keys after so many bytes in either direction, or after so long. */
  rekeyBytes: number;
  rekeyMs: number;
  keepaliveMs: number;
  /** Without a single byte from the peer. */
  deadAfterMs: number;
  /** Receive window of a channel: at first, at most, and the least that a channel is opened with. */
  initialWindow: number;
  maxWindow: number;
  minWindow: number;
}

export const DEFAULT_LIMITS: SshLimits = {
  loginGraceMs: 10_000,
  authTries: 3,
  channels: 1000,
  opensPerSecond: 200,
  opensBurst: 500,
  rekeyBytes: 1024 * MIB,
  rekeyMs: 3_600_000,
  keepaliveMs: 10_000,
  deadAfterMs: 20_000,
  initialWindow: 256 * KIB,
  maxWindow: 16 * MIB,
  minWindow: 64 * KIB,
};

/** Towards peers that are not Sallyport's: the values of OpenSSH and of Go's SSH (PROTOCOL 0.5). */
export const FOREIGN = { maxWindow: 2 * MIB, maxPacket: 32 * KIB };
/**
 * Largest payload of a data packet between two of our ends: seven full records of the TLS inside, which the TLS outside
 * sends with one system call.
 */
export const OWN_MAX_PACKET = 7 * (16 * KIB + 22);
/** A peer that wants its data in smaller packets only costs time. */
export const LEAST_MAX_PACKET = 1024;
/** RFC 4253, 6.1: what everybody must accept, and all that an unauthenticated peer may send in one packet. */
export const LONGEST_EARLY_PACKET = 35_000;
/** After authentication. */
export const LONGEST_PACKET = 256 * KIB;
/** Everything before the identification line has ended (RFC 4253, 4.2 allows other lines before a server's). */
export const LONGEST_GREETING = 16 * KIB;
/** Control messages held back during a key exchange, and bytes staged for a peer that does not read. */
export const MOST_HELD_BACK = 1 * MIB;
export const MOST_STAGED = 4 * MIB;
