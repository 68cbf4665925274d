/**
 * Options for `Bun.listen` on a port where other processes may listen too (SO_REUSEPORT): the kernel spreads new
 * connections over them. All of them have to ask for it. Bun 1.4.5 has this option, its types do not.
 */
export function portSharing(shared: boolean): object {
  return { reusePort: shared };
}
