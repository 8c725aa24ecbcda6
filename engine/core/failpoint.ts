/**
 * Failpoints: named places where a test may kill the process.
 *
 * A name is a string literal at its call; tests/faults reads the names from the source and sweeps
 * them all. Without an installed action a call is one comparison. `install` is called only by the
 * command line, behind an explicit switch.
 */
let action: ((name: string) => void) | undefined

/** Marks a place between two effects. */
export function failpoint(name: string): void {
  action?.(name)
}

/** Installs what every failpoint does; undefined removes it. */
export function installFailpoints(next: ((name: string) => void) | undefined): void {
  action = next
}
