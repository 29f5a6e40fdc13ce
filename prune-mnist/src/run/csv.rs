//! Tables for other programs.

use super::RunError;

/// The content of a file of comma-separated values.
///
/// # Errors
///
/// [`RunError::Encode`].
pub(crate) fn csv<const N: usize>(
    file: &'static str,
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Result<Vec<u8>, RunError> {
    let refused = |why: String| RunError::Encode { file, why };
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header).map_err(|error| refused(error.to_string()))?;
    for row in rows {
        writer.write_record(row).map_err(|error| refused(error.to_string()))?;
    }
    writer.into_inner().map_err(|error| refused(error.to_string()))
}
