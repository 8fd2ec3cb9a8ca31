//! How much of a file is read (design §7). Every limit can be changed; nothing is unbounded.

/// Limits of a dropped file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Largest file, in bytes.
    pub file_bytes: u64,
    /// Largest workbook as stored, compressed, in bytes.
    pub workbook_bytes: u64,
    /// Largest workbook inflated, in bytes.
    pub inflated_bytes: u64,
    /// Largest ratio of inflated to compressed bytes, for parts over a megabyte.
    pub ratio: u64,
    /// Largest table of shared texts, in bytes of memory once loaded.
    pub shared_string_bytes: u64,
    /// Most rows.
    pub rows: u32,
    /// Most columns.
    pub columns: usize,
    /// Most bytes in a cell.
    pub cell_bytes: usize,
    /// Most bytes in a record of delimited text; the same as for a message.
    pub record_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 256 << 20,
            workbook_bytes: 64 << 20,
            inflated_bytes: 2 << 30,
            ratio: 200,
            shared_string_bytes: 352 << 20,
            rows: 1_048_576,
            columns: 512,
            cell_bytes: 32 * 1024,
            record_bytes: 1 << 20,
        }
    }
}
