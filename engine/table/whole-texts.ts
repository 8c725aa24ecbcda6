/**
 * Imported for its effect, before DuckDB's client: that decodes texts with `new TextDecoder()`, which
 * drops a byte order mark that begins one. A value that begins with one (files put together, each
 * with its own mark) would come back changed, and unlike what was written.
 */
globalThis.TextDecoder = class extends TextDecoder {
  constructor(...[encoding, options]: ConstructorParameters<typeof TextDecoder>) {
    super(encoding, { ignoreBOM: true, ...options })
  }
}
