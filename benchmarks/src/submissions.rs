//! From a file to submissions, as the handler's `load_drop` does it.

use anyhow::{Context as _, Result, anyhow, ensure};
use iris_intake::{Format, Limits, Source, Step, read};
use iris_model::submission::{Context, Origin, validate};
use iris_model::{Organization, Submission};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fs::File;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

/// Rows per batch and transaction in measurements without the handler, including the bare loops.
pub(crate) const BATCH: u32 = 1_000;

/// The sample organization.
pub(crate) fn organization() -> Result<Arc<Organization>> {
    let documents = iris_local::organizations::read(None)?;
    Ok(Arc::new(documents.into_iter().next().context("there is a sample organization")?.organization))
}

/// Today's date, for validating rows.
pub(crate) fn origin() -> Origin {
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    Origin { today, derived_order_id: None, fill_from_organization: true }
}

/// Reads, maps and validates a file of good rows; passes on each submission.
pub(crate) fn each(path: &Path, organization: &Organization, mut take: impl FnMut(u32, Submission)) -> Result<u32> {
    let file = File::open(path)?;
    let name = path.file_name().and_then(|name| name.to_str()).context("a file has a name")?;
    let (format, source) = match path.extension().and_then(|extension| extension.to_str()) {
        Some("xlsx") => (Format::Xlsx, Source::File(file)),
        _ => (Format::Csv, Source::Stream(Box::new(file))),
    };
    let origin = origin();
    let context = Context { organization, origin: &origin };
    let (mut good, mut refused) = (0, 0);
    let mut sink = |step: Step| {
        if let Step::Batch(rows) = step {
            for row in rows {
                let issues = row.issues.into_iter().map(|located| located.issue).collect();
                match validate(row.request, issues, &context) {
                    Ok(submission) => {
                        good += 1;
                        take(row.number, submission);
                    }
                    Err(_) => refused += 1,
                }
            }
        }
        ControlFlow::Continue(())
    };
    let done = read(source, format, organization, name, &Limits::default(), BATCH as usize, &mut sink);
    done.map_err(|failure| anyhow!("the file was refused: {}", failure.issue.message))?;
    ensure!(refused == 0, "{refused} rows were refused");
    Ok(good)
}
