/**
 * Failpoints: named places where a test may make the process die, fail or stand still.
 *
 * A name is a string literal at its call, `floor.step.moment`; tests/faults reads the names from the
 * source, and a name that no sweep hits fails its suite. Without an installed action a call is one
 * comparison. What an action does is written in the test tree, and only test processes install one:
 * no command, setting or environment variable of the product does, so a bundle has none.
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
