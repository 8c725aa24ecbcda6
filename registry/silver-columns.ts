/** What silver holds beside the columns of a layout (design §6.7). */

/** Columns of every silver row beside its layout's own, by type; a mapping may read them too. */
export const SILVER_COLUMNS: Readonly<Record<string, 'BIGINT' | 'VARCHAR'>> = {
  line_number: 'BIGINT',
  state: 'VARCHAR',
  file_type: 'VARCHAR',
  submitter_id: 'VARCHAR',
  submission_id: 'VARCHAR',
  layout_id: 'VARCHAR',
  atomic_month: 'VARCHAR',
}
