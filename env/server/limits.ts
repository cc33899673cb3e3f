// What one client, or all of them, may take of the server.
export interface SessionLimits {
  /** Environments of one client at once; each of a vector counts. At most 65,535, the number of handles. */
  readonly maxEnvironments: number;
  /** Bytes of one frame's payload. */
  readonly maxFrameBytes: number;
}

export interface SocketLimits extends SessionLimits {
  /** Clients at once. */
  readonly maxConnections: number;
  /** Time from connecting to the end of the hello, ms. */
  readonly helloMs: number;
}

export const defaultLimits: SocketLimits = {
  maxEnvironments: 10_000,
  maxFrameBytes: 2 ** 26,
  maxConnections: 64,
  helloMs: 10_000,
};
