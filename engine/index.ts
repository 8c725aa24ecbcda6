/** The engine's only door: everything that registry, assets and minio may use of it. */
export * from './core/asset.ts'
export * from './core/digest.ts'
export type { Position } from './core/error-rows.ts'
export * from './core/errors.ts'
export * from './core/failpoint.ts'
export * from './core/fingerprint.ts'
export * from './core/graph.ts'
export * from './core/key.ts'
export * from './core/nearest-name.ts'
export * from './core/plan.ts'
export * from './core/ports.ts'
export { hasInvisible, printable, printableJson } from './core/printable.ts'
export * from './core/store-facts.ts'
export { patternProblem } from './table/pattern.ts'
export * from './table/quote.ts'
export { unpackedHead, peeked } from './table/content-stream.ts'
export { logicalHeads, type LogicalHead } from './table/logical-heads.ts'
export { memberPattern, withoutFolders } from './table/member-gate.ts'
export * from './table/spec.ts'
export { specProblems } from './table/spec-problems.ts'
export type { ColumnProfile } from './table/column-profile.ts'
export { hasTime } from './table/column-profile.ts'
export type { FileProfile } from './table/profile.ts'
export type { RecordLengths } from './table/record-lengths.ts'
export { recordLengths } from './table/record-lengths.ts'
export { profileFiles } from './table/profile.ts'
export type { RecordSyntax } from './table/record-reader.ts'
export type { SampleRecord } from './table/sample-records.ts'
export { askTable } from './table/table-process.ts'
export type { SheetHead, SheetRow } from './table/table-protocol.ts'
export { packageKind } from './table/package-kind.ts'
export { tableFormat } from './table/table-format.ts'
export type { TableFormat } from './table/spec.ts'
export { QUOTED_RECORD_LINES_MAX } from './table/quoted.ts'
export { sampleRecords } from './table/sample-records.ts'
export * from './catalog/open.ts'
export type { Lease } from './catalog/leases.ts'
export { requireLease } from './catalog/leases.ts'
export { withLease } from './run/run-lease.ts'
export { Rollback } from './catalog/transaction.ts'
export type { Actor } from './catalog/runs.ts'
export { rowsTable } from './catalog/rows.ts'
export { ATTEMPTS_MAX, retryDelayMs } from './run/backoff.ts'
export { systemClock } from './run/clock.ts'
export { isDeadHolder, ownHolder } from './run/holder.ts'
export { keyFile } from './run/key-file.ts'
export { listenForInterrupts } from './cli/interrupt.ts'
export type { Timing } from './run/schedule.ts'
export { requireTiming } from './run/schedule.ts'
export {
  applyAndPlan,
  observerSensor,
  rebuildAct,
  sweepLook,
  timedSensor,
  verifyLook,
} from './run/sensor-acts.ts'
export type { ActAccess, Look, LookContext, Sensor } from './run/sensor.ts'
export type { Ticked } from './run/tick.ts'
export { tickSensor } from './run/tick.ts'
export type { FileFacts } from './run/file-facts.ts'
export { fileFacts } from './run/file-facts.ts'
export { bossExecutor } from './run/boss-executor.ts'
export { EmbeddedExecutor } from './run/embedded-executor.ts'
export type { BuildTask, Executor, Job, Outstanding, QueueDepth } from './run/executor.ts'
export { materialize } from './run/materialize.ts'
export type { Reconciled, ReconcilerOptions } from './run/reconcile.ts'
export { Reconciler } from './run/reconcile.ts'
export type { WorkerOptions } from './run/worker.ts'
export { BuildWorker } from './run/worker.ts'
export type { PlanOptions } from './run/planning.ts'
export { makePlan } from './run/planning.ts'
export type {
  Claim,
  Committed,
  Fact,
  Hooks,
  Observation,
  Observer,
  PlanningAccess,
  Project,
} from './run/project.ts'
export type { Failure, RunOptions, RunReport, RunnerEvent } from './run/run-state.ts'
export type { DuckRow } from './table/duck-protocol.ts'
export { DuckPool } from './table/duck-pool.ts'
export type { PooledChild } from './table/child-pool.ts'
export { ChildPool } from './table/child-pool.ts'
export type { Beat } from './table/watched-child.ts'
export { WatchedChild, scriptBeside } from './table/watched-child.ts'
export { checkPart } from './table/footer.ts'
export { showLongWork } from './cli/long-work.ts'
export type { Terminal } from './cli/output.ts'
export type { GeneratedBlock, PlantedDefect } from './table/generate.ts'
export { generateFile } from './table/generate.ts'
export type { ParseOutcome } from './table/parse.ts'
export { parseFiles } from './table/parse.ts'
export type { FieldReason, RecordReason } from './table/grammar.ts'
export { fieldGrammar } from './table/grammar.ts'
export type { ParseReport } from './table/parse-report.ts'
export { PARTS, STATEMENTS_PER_COPY, copyParts, rowsQuery } from './table/query.ts'
export { firstRecords } from './table/first-records.ts'
export type {
  MaskColumns,
  MaskText,
  RangedFile,
  Sample,
  SampledColumn,
  Strategy,
  TextForm,
} from './table/sample/contract.ts'
export { STRATEGIES } from './table/sample/contract.ts'
export { sampleFile } from './table/sample/sample-file.ts'
export { plainName } from './table/sample/hidden-text.ts'
export { areColumnNames } from './table/sample/name-words.ts'
export { columnMask, type MaskKind } from './table/sample/mask.ts'
export { formatsFound, formatsReading } from './table/sample/mask-dates.ts'
export { createNodes } from './catalog/membership.ts'
export type { Definitions } from './catalog/membership.ts'
export { insertAudit } from './catalog/runs.ts'
export { anchorAudit, anchorSensor, verifyAudit } from './run/anchor.ts'
export { sensorState } from './catalog/sensors.ts'
export { changePause } from './run/pause.ts'
export { writeFacts } from './run/facts.ts'
export { loadDefinitions } from './run/project.ts'
export type {
  Command,
  CommandCall,
  CommandOption,
  OpenProject,
  PlanSteps,
  Problem,
  RowKey,
  StoredFile,
} from './cli/command.ts'
export { flagOption, textOption } from './cli/command.ts'
export type { DaemonParts, ServeOptions, Served } from './cli/daemon-parts.ts'
export { EXIT } from './cli/fault.ts'
export {
  alignColumns,
  countText,
  counted,
  durationText,
  isoText,
  shellWord,
  timeText,
} from './cli/text.ts'
export type { CatalogExamination } from './catalog/examine.ts'
export { examineCatalog } from './catalog/examine.ts'
export { catalogRevision } from './catalog/runs.ts'
export { auditTrace } from './catalog/trace-audit.ts'
export { findResidue, sweep } from './run/sweep.ts'
export type { PartFault, StoreAudit } from './run/audit-store.ts'
export { auditStore } from './run/audit-store.ts'
export { verifyStore } from './run/verify-store.ts'
export type { Recount } from './table/recount.ts'
export { PARSE_FINDINGS, type ParseFinding } from './table/parse-findings.ts'
export { recountRecords } from './table/recount.ts'
export { NO_SECRETS, PackageSecret, type PackageSecrets } from './table/package-secret.ts'
export { planDocument } from './cli/plan-json.ts'
export { planText } from './cli/plan-view.ts'
export { wholeNumber } from './cli/whole-number.ts'
export { partFiles, storedParts } from './run/part-files.ts'
export { rollbackKey } from './core/rollback.ts'
export { clearRollback, rollBack, standingRollbacks } from './run/rollback.ts'
export type { FsckFault, FsckReport } from './run/fsck.ts'
export { fsck, repairStore } from './run/fsck.ts'
export type { KeptTable } from './catalog/unprojected.ts'
export { isUnprojected } from './catalog/unprojected.ts'
export { JOURNAL, projectJournal, readJournal } from './run/journal.ts'
export type { RolledForward } from './run/roll-forward.ts'
export { rebuildCatalog } from './run/roll-forward.ts'
export type { Backup, Restored } from './run/backup.ts'
export { backUp, restore } from './run/backup.ts'
export type { GcReport, Retention } from './run/gc.ts'
export { collectGarbage } from './run/gc.ts'
